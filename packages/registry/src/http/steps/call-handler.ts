import type { Matched, Responder } from "../context.js";
import type { Exchange } from "../exchange.js";
import { sendText } from "../response/text.js";
import type { Handler } from "../route.js";

/** Calls the route's handler for the method. */
export const callHandler: Responder<Matched> = ({ route: { handlers }, exchange }) => {
  const method = exchange.request.method ?? "";
  const handler = typeof handlers === "function" ? handlers : handlers.get(method);
  if (handler !== undefined) return handler(exchange) ?? undefined;
  if (typeof handlers !== "function") refuseMethod(exchange, method, handlers);
  return undefined;
};

/** Plain text, and 200 for OPTIONS, like Go's handler library (wire contract §1.2). */
function refuseMethod(exchange: Exchange, method: string, handlers: ReadonlyMap<string, Handler>): void {
  const allow = ["Allow", [...handlers.keys()].sort().join(", ")];
  if (method === "OPTIONS") exchange.end(200, allow);
  else sendText(exchange, 405, "Method not allowed\n", allow);
}
