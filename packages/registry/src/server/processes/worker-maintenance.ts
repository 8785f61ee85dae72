import { withTimeout } from "@longshore/base/timeout";
import type { MaintenanceRequests, RequestedRun } from "../../maintenance/desk.js";
import type { PrimaryChannel } from "./primary-channel.js";

/** How long a request for a run waits for the primary (ms): it writes the run down before it replies. */
const PATIENCE = 10_000;

/** A worker's way to the primary's maintenance. */
export function createWorkerMaintenance(channel: Pick<PrimaryChannel, "tell" | "onMessage">): MaintenanceRequests {
  const questions = new Map<number, (run: RequestedRun | undefined) => void>();
  let last = 0;
  channel.onMessage((message) => {
    if (message.kind !== "maintenance-answer") return;
    questions.get(message.id)?.(message.run);
    questions.delete(message.id);
  });
  return {
    request(job, about) {
      const id = (last += 1);
      const answer = new Promise<RequestedRun | undefined>((resolve) => questions.set(id, resolve));
      if (!channel.tell({ kind: "maintenance", id, job, about })) {
        questions.delete(id);
        return Promise.reject(new Error("the primary has exited"));
      }
      return withTimeout(answer, PATIENCE, () => {
        questions.delete(id);
        throw new Error("the primary doesn't reply");
      });
    },
  };
}
