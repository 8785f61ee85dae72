import type { EventFilter } from "./events/filter.js";
import type { RegistryEvent } from "../event-formats/event.js";

/** Stores events until every endpoint has received them. */
export interface EventSink {
  /**
   * Hands over events, in order. With `durable` it resolves once a crash can no longer lose them, or once that has turned
   * out to be impossible, which is logged; otherwise at once. Never rejects: no request fails because of an event.
   */
  record(events: readonly RegistryEvent[], durable: boolean): Promise<void>;
}

/** The source of events, apart from the request: the same for every event of a registry. */
export interface EventSource {
  /** The host and the port of `http.addr`. */
  readonly addr: string;
  readonly instanceID: string;
}

/** How events are made, and where they go. */
export interface EventSettings {
  readonly sink: EventSink;
  readonly source: EventSource;
  /** Whether events of manifests list what those refer to. */
  readonly includeReferences: boolean;
  /** One filter for each endpoint, so that events that no endpoint wants aren't made. */
  readonly filters: readonly EventFilter[];
}
