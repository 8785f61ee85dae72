import type { Attempt, LoginRegistrar } from "@longshore/auth";
import type { PrimaryMessage, WorkerMessage } from "./primary-channel.js";

type LoginMessage = Extract<WorkerMessage, { kind: "login" | "login-settled" }>;
type Answer = Extract<PrimaryMessage, { kind: "login-answer" }>;

/** The primary's side of the count of failed logins, for one worker. */
export interface LoginDesk {
  /** Resolves with the reply to the worker. */
  handle(message: LoginMessage): Promise<Answer>;
  /** Call when the worker has ended, so that others may proceed in place of its attempts. */
  close(): void;
}

/** Opens a desk over the count shared by all workers; undefined disables throttling. */
export function openLoginDesk(registrar: LoginRegistrar | undefined): LoginDesk {
  const attempts = new Map<number, Attempt>();
  let closed = false;

  async function begin({ id, account, remoteAddress }: Extract<LoginMessage, { kind: "login" }>): Promise<number> {
    if (registrar === undefined) return 0;
    const attempt = await registrar.begin(account, remoteAddress);
    if (attempt.wait > 0) return attempt.wait;
    if (closed) await attempt.settle("unknown");
    else attempts.set(id, attempt);
    return 0;
  }

  return {
    async handle(message) {
      const { id } = message;
      if (message.kind === "login") return { kind: "login-answer", id, wait: await begin(message) };
      const attempt = attempts.get(id);
      attempts.delete(id);
      await attempt?.settle(message.outcome);
      return { kind: "login-answer", id, wait: 0 };
    },
    close() {
      closed = true;
      for (const attempt of attempts.values()) void attempt.settle("unknown");
      attempts.clear();
    },
  };
}
