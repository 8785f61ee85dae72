import type { RegistryEvent } from "../event-formats/event.js";
import type { Log } from "../observability/log.js";

/** Logs an event that will never be sent, so that it can be compensated by hand. */
export function logLost(log: Log, events: readonly RegistryEvent[]): void {
  for (const { action, id, target } of events) {
    log.error("notifications: an event is lost", {
      "event.id": id,
      "event.action": action,
      "event.repository": target.repository,
      "event.digest": target.digest,
      "event.tag": target.tag,
    });
  }
}
