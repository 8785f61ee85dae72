import type { EventSink } from "../../notifications/contract.js";
import { createDropper } from "../../notifications/outbox/inbox.js";
import { WorkerSink } from "../../notifications/worker-sink.js";
import type { Log } from "../../observability/log.js";
import type { PrimaryChannel } from "./primary-channel.js";

/** A worker's way to the primary's outbox. */
export interface WorkerEvents {
  readonly sink: EventSink;
  /** Waits for the primary to have what was recorded. */
  close(): Promise<void>;
}

/** Begins to hand events over. @param directory the primary's, where events may be left that it doesn't take */
export function createWorkerEvents(channel: PrimaryChannel, directory: string | undefined, log: Log): WorkerEvents {
  const sink = new WorkerSink({
    link: { send: (id, events, durable) => channel.tell({ kind: "events", id, events, durable }) },
    dropper: directory === undefined ? undefined : createDropper(directory, String(process.pid)),
    log,
  });
  channel.onMessage((message) => {
    if (message.kind === "events-answer") sink.answered(message.id, message.isKept);
  });
  channel.onClose(() => sink.disconnected());
  return { sink, close: () => sink.close() };
}
