import { randomUUID } from "node:crypto";
import type { Registry } from "@longshore/storage";
import type { EventSettings } from "../notifications/contract.js";
import { observeRequest } from "../notifications/request-events.js";

/** What the audit log and events call who removed it. */
export const RETENTION_AGENT = "registry-retention";

/** `registry`, whose removals reach the endpoints of notifications as those by clients do. */
export function observeRemovals(registry: Registry, settings: EventSettings): Registry {
  const request = { id: randomUUID(), addr: "", host: "", method: "", useragent: RETENTION_AGENT };
  const origin = { request, actor: "", manifestUrl: () => "", blobUrl: () => "" };
  return observeRequest(registry, origin, settings).registry;
}
