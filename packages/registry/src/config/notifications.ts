import { join } from "node:path";
import { ACTIONS } from "../notifications/events/event.js";
import type { EventFormat } from "../notifications/events/body.js";
import type { Report } from "./report.js";
import type { ParsedConfig } from "./schema/root.js";
import type { Secret } from "./secret.js";

/** `notifications`, with the endpoints that are to be told of something. */
export interface NotificationsConfig {
  readonly events: { readonly includereferences: boolean };
  readonly endpoints: readonly EndpointConfig[];
  /** Names of those that are disabled, for the log. */
  readonly disabled: readonly string[];
  readonly outbox: OutboxConfig;
}

export interface EndpointConfig {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly timeout: number;
  /** At least 1. */
  readonly threshold: number;
  readonly backoff: number;
  /** Both keys for media types together. */
  readonly ignore: { readonly mediatypes: readonly string[]; readonly actions: readonly string[] };
  readonly format: EventFormat;
  readonly secret: Secret | undefined;
  /** 0: no limit. */
  readonly maxage: number;
  readonly maxattempts: number;
}

interface OutboxConfig {
  /** Undefined: events end with the process. */
  readonly directory: string | undefined;
  readonly maxbytes: number;
  readonly deadletterbytes: number;
}

const DEFAULT_ROOT = "/var/lib/registry";

/** Checks the endpoints and fills in what the original fills in (contract §8.1). */
export function notificationsConfig(parsed: ParsedConfig, storage: string, report: Report): NotificationsConfig {
  const { endpoints, events, outbox } = parsed.notifications;
  const enabled = endpoints.flatMap((endpoint, index) => {
    if (endpoint.disabled) return [];
    checkUrl(endpoint.url, index, report);
    checkActions(endpoint.ignore.actions, index, report);
    return [
      {
        name: endpoint.name ?? "",
        url: endpoint.url ?? "",
        headers: endpoint.headers,
        timeout: orDefault(endpoint.timeout, 1000),
        threshold: orDefault(endpoint.threshold, 10),
        backoff: orDefault(endpoint.backoff, 1000),
        ignore: {
          mediatypes: [...new Set([...endpoint.ignoredmediatypes, ...endpoint.ignore.mediatypes])],
          actions: endpoint.ignore.actions,
        },
        format: endpoint.format ?? "v2",
        secret: endpoint.secret,
        maxage: endpoint.maxage,
        maxattempts: endpoint.maxattempts,
      } satisfies EndpointConfig,
    ];
  });
  return {
    events,
    endpoints: enabled,
    disabled: endpoints.filter(({ disabled }) => disabled).map(({ name }) => name ?? ""),
    outbox: {
      directory: outbox.durable ? outboxDirectory(parsed, storage) : undefined,
      maxbytes: outbox.maxbytes,
      deadletterbytes: outbox.deadletterbytes,
    },
  };
}

/** Beside what it tells of: with storage in memory, which forgets all, in memory, too. */
function outboxDirectory({ notifications, storage }: ParsedConfig, type: string): string | undefined {
  const { directory = "" } = notifications.outbox;
  if (directory !== "") return directory;
  if (type === "inmemory") return undefined;
  const root = type === "filesystem" ? (storage.filesystem?.rootdirectory ?? DEFAULT_ROOT) : DEFAULT_ROOT;
  return join(root, "longshore", "outbox");
}

function checkUrl(url: string | undefined, index: number, report: Report): void {
  const isGood = url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (isGood) return;
  // Not shown: it may have a password in it.
  const found = url === undefined || url === "" ? "nothing" : "something else";
  const path = ["notifications", "endpoints", index, "url"];
  report.error(path, `found ${found}; allowed: a URL that begins with http:// or https://`);
}

/** The original matches words that nothing has, and tells of everything. */
function checkActions(actions: readonly string[], index: number, report: Report): void {
  const known: readonly string[] = ACTIONS;
  actions.forEach((action, at) => {
    if (known.includes(action)) return;
    const path = ["notifications", "endpoints", index, "ignore", "actions", at];
    report.warning(path, `found ${JSON.stringify(action)}, which no event has; there are ${ACTIONS.join(", ")}`);
  });
}

function orDefault(value: number, fallback: number): number {
  return value > 0 ? value : fallback;
}
