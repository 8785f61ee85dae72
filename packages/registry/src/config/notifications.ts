import type { ChosenDriver } from "@longshore/storage";
import { join } from "node:path";
import { ACTIONS } from "../event-formats/event.js";
import type { Report } from "@longshore/options/report";
import { quote } from "./quote.js";
import type { ParsedConfig } from "./schema/root.js";

const DEFAULT_ROOT = "/var/lib/registry";

/** Checks the endpoints and fills in Distribution's defaults (wire contract §8.1). */
export function notificationsConfig(parsed: ParsedConfig, driver: ChosenDriver, report: Report) {
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
        timeout: endpoint.timeout,
        threshold: endpoint.threshold,
        backoff: endpoint.backoff,
        ignore: {
          mediatypes: [...new Set([...endpoint.ignoredmediatypes, ...endpoint.ignore.mediatypes])],
          actions: endpoint.ignore.actions,
        },
        format: endpoint.format,
        secret: endpoint.secret,
        maxage: endpoint.maxage,
        maxattempts: endpoint.maxattempts,
      },
    ];
  });
  return {
    events,
    endpoints: enabled,
    disabled: endpoints.filter(({ disabled }) => disabled).map(({ name }) => name ?? ""),
    outbox: {
      directory: outbox.durable ? outboxDirectory(parsed, driver) : undefined,
      maxbytes: outbox.maxbytes,
      deadletterbytes: outbox.deadletterbytes,
    },
  };
}

/** The default outbox: next to the storage, or in memory if the storage is in memory. */
function outboxDirectory({ notifications }: ParsedConfig, driver: ChosenDriver): string | undefined {
  const { directory } = notifications.outbox;
  if (directory !== undefined) return directory;
  return driver.isShared ? join(driver.directory ?? DEFAULT_ROOT, "longshore", "outbox") : undefined;
}

function checkUrl(url: string | undefined, index: number, report: Report): void {
  const isGood = url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (isGood) return;
  // Not shown, because it may contain a password.
  const found = url === undefined ? "missing (required)" : "invalid";
  const path = ["notifications", "endpoints", index, "url"];
  report.error(path, `${found}; expected a URL that begins with http:// or https://`);
}

/** Distribution accepts words that match no event, so that nothing is ignored. */
function checkActions(actions: readonly string[], index: number, report: Report): void {
  const known: readonly string[] = ACTIONS;
  actions.forEach((action, at) => {
    if (known.includes(action)) return;
    const path = ["notifications", "endpoints", index, "ignore", "actions", at];
    report.warning(path, `found ${quote(action)}, which is not an action; the actions are ${ACTIONS.join(", ")}`);
  });
}
