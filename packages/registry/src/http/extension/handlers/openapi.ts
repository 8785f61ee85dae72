import type { Exchange } from "../../exchange.js";
import type { Operation } from "../operation.js";
import { openApi } from "../openapi.js";
import { answer } from "./answer.js";

/** `GET /v2/_longshore/api/openapi`. */
export function describeApi(exchange: Exchange, operations: readonly Operation[]): Promise<void> {
  answer<"OpenApi">(exchange, 200, openApi(operations));
  return Promise.resolve();
}
