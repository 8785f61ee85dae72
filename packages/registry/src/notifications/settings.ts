import { hostname } from "node:os";
import type { Config } from "../config/config.js";
import { parseAddress } from "@longshore/base/address";
import type { EventSettings, EventSink } from "./contract.js";

/** The parts of this process's events, if the configuration has endpoints. */
export function eventSettings(config: Config, sink: EventSink, instance: string): EventSettings {
  const { endpoints, events } = config.notifications;
  return {
    sink,
    source: { addr: sourceAddress(config), instanceID: instance },
    includeReferences: events.includereferences,
    filters: endpoints.map(({ ignore }) => ({ mediaTypes: ignore.mediatypes, actions: ignore.actions })),
  };
}

/** This machine's name, and the port of `http.addr` if it has one (wire contract §8.3). */
function sourceAddress({ http }: Config): string {
  const port = http.net === "tcp" ? parseAddress(http.addr)?.port : undefined;
  return port === undefined ? hostname() : `${hostname()}:${port}`;
}
