import type { EventFilter } from "./events/filter.js";
import type { RegistryEvent } from "./events/event.js";

/** Keeps events until every endpoint has them. */
export interface EventSink {
  /**
   * Hands events over, in order. With `durable` it resolves when a crash can't take them any more, or when that has turned
   * out to be impossible, which is logged; otherwise at once. Never rejects: no request fails because of an event.
   */
  record(events: readonly RegistryEvent[], durable: boolean): Promise<void>;
}

/** Where an event comes from, beside the request: the same for every event of a registry. */
export interface EventSource {
  /** The host and the port of `http.addr`. */
  readonly addr: string;
  readonly instanceID: string;
}

/** What events are made of and where they go. */
export interface EventSettings {
  readonly sink: EventSink;
  readonly source: EventSource;
  /** Whether events of manifests list what those refer to. */
  readonly includeReferences: boolean;
  /** One for each endpoint: what nobody wants isn't made. */
  readonly filters: readonly EventFilter[];
}
