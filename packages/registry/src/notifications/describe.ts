import { redactText } from "@longshore/base/redact";
import type { NotificationService } from "./service.js";

/** The endpoints as Distribution's `/debug/vars` shows them (wire contract §1.11), without the values of its headers. */
export function describeEndpoints(service: Pick<NotificationService, "endpoints" | "stats">): object[] {
  const figures = service.stats();
  return service.endpoints.map((endpoint, index) => {
    const counts = figures[index];
    return {
      name: endpoint.name,
      url: redactText(endpoint.url),
      Headers: Object.fromEntries(Object.keys(endpoint.headers).map((name) => [name, ["redacted"]])),
      Timeout: endpoint.timeout * 1e6,
      Threshold: endpoint.threshold,
      Backoff: endpoint.backoff * 1e6,
      IgnoredMediaTypes: endpoint.ignore.mediatypes,
      Ignore: { MediaTypes: endpoint.ignore.mediatypes, Actions: endpoint.ignore.actions },
      Metrics: {
        Pending: counts?.pending ?? 0,
        Events: counts?.events ?? 0,
        Successes: counts?.successes ?? 0,
        Failures: counts?.failures ?? 0,
        Errors: counts?.errors ?? 0,
        Statuses: counts?.statuses ?? {},
      },
    };
  });
}
