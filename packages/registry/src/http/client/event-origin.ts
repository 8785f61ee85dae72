import type { Registry } from "@longshore/storage";
import type { EventSettings } from "../../notifications/contract.js";
import type { EventOrigin } from "../../notifications/events/make-event.js";
import { observeRequest, wantsAction } from "../../notifications/request-events.js";
import { recordOf } from "../../observability/request-record.js";
import type { Exchange, ObserveExchange } from "../exchange.js";

/** Joins the API with its events. */
export function createObserver(registry: Registry, settings: EventSettings): ObserveExchange {
  const wantsPulls = wantsAction(settings, "pull");
  return (exchange) => {
    const { method } = exchange.request;
    const onlyReads = method === "GET" || method === "HEAD";
    return onlyReads && !wantsPulls ? undefined : observeRequest(registry, originOf(exchange), settings);
  };
}

/** What events say about the request (wire contract §8.3). */
function originOf(exchange: Exchange): EventOrigin {
  const { shared, request, grant } = exchange;
  const record = recordOf(request);
  return {
    request: {
      id: record?.id ?? "",
      addr: record?.shownClient ?? shared.site.clients.shown(request),
      host: exchange.header("host") ?? exchange.header(":authority") ?? "",
      method: request.method ?? "",
      useragent: exchange.header("user-agent") ?? "",
    },
    actor: grant.account ?? basicUser(request.headers.authorization),
    manifestUrl: (name, digest) => shared.urls.manifest(request, name, digest),
    blobUrl: (name, digest) => shared.urls.blob(request, name, digest),
  };
}

/** The user that a request names, even unchallenged: Distribution reports that, too. */
function basicUser(header: string | undefined): string {
  const [, encoded] = /^basic +([a-z0-9+/=_-]+)$/i.exec(header ?? "") ?? [];
  if (encoded === undefined) return "";
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? "" : text.slice(0, colon);
}
