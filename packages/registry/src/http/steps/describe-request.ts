import { recordOf } from "../../observability/request-record.js";
import type { MatchedStep } from "../context.js";

/** Records the subject of the request for logs, metrics and the audit. */
export const describeRequest: MatchedStep = (next) => (matched) => {
  const { route, exchange } = matched;
  const record = recordOf(exchange.request);
  if (record !== undefined) {
    record.handler = route.label;
    if (exchange.name !== "") record.name = exchange.name;
    if (route.kind !== undefined) record[route.kind] = exchange.reference;
  }
  return next(matched);
};
