import { withTimeout } from "@longshore/base/timeout";
import type { RegistryStatus, StatusSource } from "../../status/status.js";
import type { PrimaryChannel } from "./primary-channel.js";

/** How long a question waits for the primary (ms), which asks all workers. */
const PATIENCE = 8000;

/** A worker's way to how the whole registry does. */
export function createWorkerStatus(channel: Pick<PrimaryChannel, "tell" | "onMessage">): StatusSource {
  const questions = new Map<number, (status: RegistryStatus | undefined) => void>();
  let last = 0;
  channel.onMessage((message) => {
    if (message.kind === "status-answer") questions.get(message.id)?.(message.status);
  });
  return {
    async read() {
      const id = (last += 1);
      const answer = new Promise<RegistryStatus | undefined>((resolve) => questions.set(id, resolve));
      try {
        if (!channel.tell({ kind: "status", id })) return undefined;
        return await withTimeout(answer, PATIENCE, () => undefined);
      } finally {
        questions.delete(id);
      }
    },
  };
}
