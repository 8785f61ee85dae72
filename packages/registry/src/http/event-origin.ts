import { isIP } from "node:net";
import type { Registry } from "@longshore/storage";
import type { EventSettings } from "../notifications/contract.js";
import type { EventOrigin } from "../notifications/events/make-event.js";
import { observeRequest, wantsAction } from "../notifications/request-events.js";
import { recordOf } from "../observability/request-record.js";
import type { Exchange, ObserveExchange } from "./exchange.js";

/** Joins the API with its events. */
export function createObserver(registry: Registry, settings: EventSettings): ObserveExchange {
  const wantsPulls = wantsAction(settings, "pull");
  return (exchange) => {
    const { method } = exchange.request;
    const onlyReads = method === "GET" || method === "HEAD";
    return onlyReads && !wantsPulls ? undefined : observeRequest(registry, originOf(exchange), settings);
  };
}

/** What events tell of the request (contract §8.3). */
function originOf(exchange: Exchange): EventOrigin {
  const { api, request, grant } = exchange;
  return {
    request: {
      id: recordOf(request)?.id ?? "",
      addr: addressOf(exchange),
      host: exchange.header("host") ?? exchange.header(":authority") ?? "",
      method: request.method ?? "",
      useragent: exchange.header("user-agent") ?? "",
    },
    actor: grant.account ?? basicUser(request.headers.authorization),
    manifestUrl: (name, digest) => api.urls.manifest(request, name, digest),
    blobUrl: (name, digest) => api.urls.blob(request, name, digest),
  };
}

/**
 * As in the original the address that a proxy names, or `ip:port` of the connection. Once it is said which proxies are to be
 * believed (`http.trustedproxies`), those alone are.
 */
function addressOf({ api, request }: Exchange): string {
  const { remoteAddress = "", remotePort } = request.socket;
  const ip = remoteAddress.replace(/^::ffff:(?=\d+\.)/, "");
  const peer = ip === "" ? "" : `${ip.includes(":") ? `[${ip}]` : ip}:${remotePort ?? 0}`;
  if ((api.options.trustedProxies ?? []).length > 0) {
    const client = api.site.clientAddress(request);
    return client === undefined || client === ip ? peer : client;
  }
  const forwarded = [request.headers["x-forwarded-for"], request.headers["x-real-ip"]].map(firstOf);
  return forwarded.find((address) => isIP(address) !== 0) ?? peer;
}

function firstOf(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? (value[0] ?? "") : (value ?? "");
  return text.split(",", 1)[0]?.trim() ?? "";
}

/** Whom a request names, though nobody has asked: the original tells of that, too. */
function basicUser(header: string | undefined): string {
  const [, encoded] = /^basic +([a-z0-9+/=_-]+)$/i.exec(header ?? "") ?? [];
  if (encoded === undefined) return "";
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? "" : text.slice(0, colon);
}
