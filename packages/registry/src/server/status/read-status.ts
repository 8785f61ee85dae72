import { redactRecord } from "@longshore/base/redact";
import { secretsIn } from "@longshore/options/secret";
import type { Config } from "../../config/config.js";
import { readinessOf } from "../../health/readiness.js";
import { sourceStates, upstreamStates } from "../../mirroring/upstream-states.js";
import type { NotificationService } from "../../notifications/service.js";
import { statusSchema, type RegistryStatus } from "../../status/status.js";
import type { DebugContext } from "../debug/debug-address.js";

/** What the whole registry's state is read from. */
type StatusParts = Pick<DebugContext, "monitor" | "notifications" | "service" | "sourceStatuses" | "stop">;

/**
 * How the registry does: what its debug address shows, for those who can't reach that. Messages may quote what was configured, so that
 * whatever is a secret there is blanked here.
 */
export async function readStatus(config: Config, version: string, parts: StatusParts): Promise<RegistryStatus> {
  const { monitor, notifications, service, sourceStatuses, stop } = parts;
  const failures = monitor.failures();
  const readiness = readinessOf({ failures, draining: stop.aborted, serving: service.serving });
  const [processes, upstreams] = await Promise.all([service.reports(), service.upstreams()]);
  const status = {
    version,
    health: {
      ready: readiness.ready,
      reasons: Object.fromEntries(
        Object.entries(readiness.reasons).map(([name, why]) => [withoutQueries(name), withoutQueries(why)]),
      ),
      checks: monitor.names.map((name) => {
        const failure = failures[name];
        return { name: withoutQueries(name), ...(failure === undefined ? {} : { failure: withoutQueries(failure) }) };
      }),
    },
    processes,
    restarts: service.restarts,
    storage: config.storage.type,
    endpoints: notifications === undefined ? [] : endpointsOf(notifications),
    upstreams: [
      ...upstreamStates(config.proxy?.upstreams ?? [], upstreams),
      ...sourceStates(config.sync?.entries ?? [], sourceStatuses()),
    ],
  };
  // Through JSON, as which it is sent: dates become texts.
  const plain = JSON.parse(JSON.stringify(status)) as Record<string, unknown>;
  return statusSchema.parse(redactRecord(plain, secretsIn(config)));
}

function endpointsOf(notifications: NotificationService): RegistryStatus["endpoints"] {
  const figures = notifications.stats();
  return notifications.endpoints.map(({ name, url }, index) => {
    const { pending, events, successes, failures, errors, statuses, dead } = figures[index] ?? NO_STATS;
    return { name, host: hostOf(url), pending, events, successes, failures, errors, statuses, dead };
  });
}

const NO_STATS = { pending: 0, events: 0, successes: 0, failures: 0, errors: 0, statuses: {}, dead: {} };

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** Checks are called like the addresses that they ask, and quote them: their queries are nobody's business. */
function withoutQueries(text: string): string {
  return text.replace(/(\bhttps?:\/\/[^\s?#]*)[?#]\S*/g, "$1");
}
