import { withTimeout } from "@longshore/base/timeout";
import type { LimitCounter, Taken } from "@longshore/policy";
import type { PrimaryChannel } from "./primary-channel.js";

/** How long a request waits for the primary to count it (ms). */
const PATIENCE = 1000;

/** How many requests may wait for the primary; further ones are counted here. */
const MOST_WAITING = 10_000;

/** A worker's access to the count that the primary keeps for all. What it doesn't answer in time is counted by `fallback`. */
export function createWorkerLimits(
  channel: Pick<PrimaryChannel, "tell" | "onMessage">,
  fallback: LimitCounter,
  patience = PATIENCE,
): LimitCounter {
  const questions = new Map<number, (taken: readonly Taken[] | undefined) => void>();
  let last = 0;
  channel.onMessage((message) => {
    if (message.kind === "limit-answer") questions.get(message.id)?.(message.taken);
  });
  return {
    async take(takes) {
      const id = (last += 1);
      if (questions.size >= MOST_WAITING || !channel.tell({ kind: "limit", id, takes })) return fallback.take(takes);
      const answer = new Promise<readonly Taken[] | undefined>((resolve) => questions.set(id, resolve));
      try {
        return (await withTimeout(answer, patience, () => undefined)) ?? (await fallback.take(takes));
      } finally {
        questions.delete(id);
      }
    },
  };
}
