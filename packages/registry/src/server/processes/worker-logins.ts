import { toWait, type LoginOutcome, type LoginRegistrar } from "@longshore/auth";
import { withTimeout } from "@longshore/base/timeout";
import type { PrimaryChannel } from "./primary-channel.js";

/**
 * How long a login waits for the primary (ms); after that the worker decides by its own counts. If attempts for the same
 * account are in progress in other workers, the reply takes as long as they do.
 */
const PATIENCE = 2000;

/** A worker's access to the count of failed logins that the primary keeps. */
export function createWorkerLogins(
  channel: Pick<PrimaryChannel, "tell" | "onMessage">,
  patience = PATIENCE,
): LoginRegistrar {
  const questions = new Map<number, (wait: number) => void>();
  /** Requests that timed out, whose reply may still grant an attempt. */
  const late = new Set<number>();
  let last = 0;

  channel.onMessage((message) => {
    if (message.kind !== "login-answer") return;
    const resolve = questions.get(message.id);
    questions.delete(message.id);
    if (resolve !== undefined) resolve(message.wait);
    // Permission that came too late must not keep others waiting.
    else if (message.wait === 0 && late.delete(message.id)) settle(message.id, "unknown");
  });

  function ask(id: number, isSent: boolean): Promise<number> {
    if (!isSent) return Promise.reject(new Error("the primary has exited"));
    const answer = new Promise<number>((resolve) => questions.set(id, resolve));
    return withTimeout(answer, patience, () => {
      questions.delete(id);
      throw new Error("the primary doesn't reply");
    });
  }

  function settle(id: number, outcome: LoginOutcome): boolean {
    return channel.tell({ kind: "login-settled", id, outcome });
  }

  return {
    async begin(account, remoteAddress) {
      const id = (last += 1);
      const isSent = channel.tell({ kind: "login", id, account, remoteAddress });
      const wait = await ask(id, isSent).catch((error: unknown) => {
        if (isSent) late.add(id);
        throw error;
      });
      if (wait > 0) return toWait(wait);
      return {
        wait: 0,
        settle: (outcome) =>
          ask(id, settle(id, outcome)).then(
            () => undefined,
            () => undefined,
          ),
      };
    },
  };
}
