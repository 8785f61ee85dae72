import { flag, list, number, object, optional, record, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";

const process = object({
  name: text,
  pid: number,
  started: text,
  memory: object({ resident: number, heap: number }),
  requests: optional(number),
  inFlight: optional(number),
  connections: optional(number),
  storage: optional(text),
  cache: optional(object({ requests: number, hits: number, shared: optional(text) })),
});
/** How one process of the registry does. */
export type ProcessReport = Decoded<typeof process>;

const endpoint = object({
  name: text,
  host: text,
  pending: number,
  events: number,
  successes: number,
  failures: number,
  errors: number,
  dead: record(number),
});
/** Whom notifications are sent to, and whether they arrive. */
export type Endpoint = Decoded<typeof endpoint>;

const upstream = object({
  name: text,
  use: optional(text),
  prefix: optional(text),
  host: text,
  state: text,
  pause: optional(object({ until: text, reason: text })),
  failingSince: optional(text),
  lastSuccess: optional(text),
  lastError: optional(object({ at: text, message: text })),
  rateLimit: optional(object({ limit: number, remaining: number })),
});
/** A registry that this one fetches from. */
export type Upstream = Decoded<typeof upstream>;

const status = object({
  version: text,
  health: object({
    ready: flag,
    reasons: record(text),
    checks: list(object({ name: text, failure: optional(text) })),
  }),
  processes: list(process),
  restarts: number,
  storage: text,
  endpoints: list(endpoint),
  upstreams: list(upstream),
});
/** How the registry does. */
export type RegistryStatus = Decoded<typeof status>;

export function showStatus(signal?: AbortSignal): Promise<RegistryStatus> {
  return ask("v2/_longshore/maintenance/status", status, { signal });
}

const setting = object({
  path: text,
  value: optional(text),
  isHidden: flag,
  origin: text,
  variable: optional(text),
  file: optional(text),
  line: optional(number),
});
/** A value that the registry runs with, and where it is from. */
export type Setting = Decoded<typeof setting>;

export async function showConfiguration(signal?: AbortSignal): Promise<readonly Setting[]> {
  return (await ask("v2/_longshore/maintenance/configuration", object({ settings: list(setting) }), { signal }))
    .settings;
}
