import { randomUUID } from "node:crypto";
import type { Digest, Registry, RepositoryName } from "@longshore/storage";
import type { RegistryEvent } from "../event-formats/event.js";
import type { EventSettings } from "../notifications/contract.js";
import { EventMaker, type EventOrigin } from "../notifications/events/make-event.js";
import { observeRequest, wantedEvents } from "../notifications/request-events.js";

/** What the audit log and events call who removed it. */
export const RETENTION_AGENT = "registry-retention";
export const COLLECTION_AGENT = "registry-collection";

/** Events of what no request asked for: in place of a client they name `agent`. */
function originOf(agent: string): EventOrigin {
  const request = { id: randomUUID(), addr: "", host: "", method: "", useragent: agent };
  return { request, actor: "", manifestUrl: () => "", blobUrl: () => "" };
}

/** `registry`, whose removals reach the endpoints of notifications as those by clients do. */
export function observeRemovals(registry: Registry, settings: EventSettings): Registry {
  return observeRequest(registry, originOf(RETENTION_AGENT), settings).registry;
}

/** Announces manifests that a collection has removed. */
export interface ManifestAnnouncements {
  removed(name: RepositoryName, digest: Digest): void;
  /** Resolves when all of them are stored for the endpoints. Never rejects. */
  close(): Promise<void>;
}

/** To the endpoints of notifications, as deletes by clients are. The collection doesn't wait: what comes meanwhile is stored together. */
export function announceManifests(settings: EventSettings): ManifestAnnouncements {
  const origin = originOf(COLLECTION_AGENT);
  let waiting: RegistryEvent[] = [];
  let working: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const events = wantedEvents(settings, waiting);
      waiting = [];
      if (events.length > 0) await settings.sink.record(events, true);
    }
    working = undefined;
  };
  return {
    removed(name, digest) {
      waiting.push(new EventMaker(name, origin, settings.source).deletion("manifest", digest));
      working ??= work();
    },
    close: async () => working,
  };
}
