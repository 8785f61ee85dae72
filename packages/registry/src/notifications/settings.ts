import { hostname } from "node:os";
import type { Config } from "../config/config.js";
import { parseAddress } from "../config/address.js";
import type { EventSettings, EventSink } from "./contract.js";

/** What events of this process are made of, where the configuration has endpoints. */
export function eventSettings(config: Config, sink: EventSink, instance: string): EventSettings {
  const { endpoints, events } = config.notifications;
  return {
    sink,
    source: { addr: sourceAddress(config), instanceID: instance },
    includeReferences: events.includereferences,
    filters: endpoints.map(({ ignore }) => ({ mediaTypes: ignore.mediatypes, actions: ignore.actions })),
  };
}

/** This machine's name, and the port of `http.addr` where that has one (contract §8.3). */
function sourceAddress({ http }: Config): string {
  const port = http.net === "tcp" ? parseAddress(http.addr)?.port : undefined;
  return port === undefined ? hostname() : `${hostname()}:${port}`;
}
