import type { IncomingMessage, ServerResponse } from "node:http";
import { isAuthError, type AccessController } from "@longshore/auth";
import { recordOf, type RequestRecord } from "../observability/request-record.js";
import { noteRefusal } from "./access-outcome.js";
import { HttpAuthRequest } from "./auth-request.js";
import { Exchange, type Api, type RequestTarget } from "./exchange.js";
import { sendFailure } from "./failure.js";
import {
  handlersOf,
  isRoutableName,
  isRoutableReference,
  referenceKind,
  type Handler,
  type ReferenceKind,
  type Route,
} from "./routes.js";
import { sendText } from "./text.js";

/** A route ready to serve. */
export interface Endpoint {
  /** What `captures` of the route's pattern name; undefined where the grammar says that this isn't such a path. */
  target(captures: readonly (string | undefined)[], path: string, queryText: string): RequestTarget | undefined;
  /** Authorises and answers. Never rejects. */
  serve(request: IncomingMessage, response: ServerResponse, target: RequestTarget): Promise<void>;
}

/** Joins a row of the table with what it needs to serve. */
export function createEndpoint(route: Route, api: Api, access: AccessController): Endpoint {
  const handlers = handlersOf(route, api.options.readOnly);
  const kind = referenceKind(route);
  const hasName = route.path.includes("{name}");
  const label = route.name.replaceAll("-", "_");

  async function answer(exchange: Exchange): Promise<void> {
    const { request, name } = exchange;
    const method = request.method ?? "";
    if (route.accesses !== "own") {
      const accesses = route.accesses(method, name, exchange.parameter("from"));
      const granted = access.authorize(new HttpAuthRequest(request, api.site), accesses, exchange);
      exchange.grant = granted instanceof Promise ? await granted : granted;
      const { account } = exchange.grant;
      const record = recordOf(request);
      if (record !== undefined) {
        record.user = account;
        record.access = { outcome: "allowed", account };
      }
      api.onAccess?.("allowed");
    }
    // A bad name is refused after the credentials (contract §1.2), and before the method.
    if (hasName) void exchange.repository;
    const handler = typeof handlers === "function" ? handlers : handlers.get(method);
    if (handler !== undefined) await handler(exchange);
    else if (typeof handlers !== "function") refuseMethod(exchange, method, handlers);
  }

  return {
    target: (captures, path, queryText) => targetOf(captures, path, queryText, hasName, kind),
    async serve(request, response, target) {
      const record = recordOf(request);
      if (record !== undefined) {
        fillRecord(record, label, kind, target);
        record.client = api.site.clientAddress(request);
      }
      const exchange = new Exchange(api, request, response, target);
      try {
        await answer(exchange);
      } catch (error) {
        if (isAuthError(error)) noteRefusal(api, request, error);
        sendFailure(api, request, response, error);
      }
      exchange.finish();
    },
  };
}

function targetOf(
  captures: readonly (string | undefined)[],
  path: string,
  queryText: string,
  hasName: boolean,
  kind: ReferenceKind | undefined,
): RequestTarget | undefined {
  const name = hasName ? (captures[0] ?? "") : "";
  const reference = kind === undefined ? "" : (captures[1] ?? "");
  if (hasName && !isRoutableName(name)) return undefined;
  if (kind !== undefined && !isRoutableReference(kind, reference)) return undefined;
  return { name, reference, path, queryText };
}

function fillRecord(
  record: RequestRecord,
  label: string,
  kind: ReferenceKind | undefined,
  target: RequestTarget,
): void {
  record.handler = label;
  if (target.name !== "") record.name = target.name;
  if (kind !== undefined) record[kind] = target.reference;
}

/** Not JSON, and 200 for OPTIONS, as Go's handler library answers (contract §1.2). */
function refuseMethod(exchange: Exchange, method: string, handlers: ReadonlyMap<string, Handler>): void {
  const allow = ["Allow", [...handlers.keys()].sort().join(", ")];
  if (method === "OPTIONS") exchange.end(200, [...allow, "Content-Length", "0"]);
  else sendText(exchange, 405, "Method not allowed\n", allow);
}
