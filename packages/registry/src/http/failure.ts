import type { IncomingMessage, ServerResponse } from "node:http";
import { ClientGone } from "../errors/api-error.js";
import { CLIENT_CLOSED_REQUEST, translate } from "../errors/translate.js";
import { envelope, type WireFailure } from "../errors/wire-error.js";
import { errorFields, type Log } from "../observability/log.js";
import { recordOf } from "../observability/request-record.js";
import { settleRequest } from "./unread-body.js";

/** What an answer that refuses needs. */
export interface FailureContext {
  readonly baseHeaders: readonly string[];
  readonly log: Log;
}

/** Tells the client and the log of `error`; what the client isn't told (causes) the log is. */
export function sendFailure(
  context: FailureContext,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const failure = translate(error);
  report(context.log, request, failure, error);
  if (response.headersSent) {
    // Too late for a status: a connection that breaks is the only way to say that the body isn't whole.
    response.destroy();
    return;
  }
  if (error instanceof ClientGone) {
    response.statusCode = CLIENT_CLOSED_REQUEST;
    response.destroy();
    return;
  }
  const body = envelope(failure.errors);
  const headers = context.baseHeaders.concat(
    "Content-Type",
    "application/json",
    "Content-Length",
    String(Buffer.byteLength(body)),
  );
  for (const [name, value] of Object.entries(failure.headers)) headers.push(name, value);
  const settled = settleRequest(request, response, headers);
  // HTTP/2 has no such header (RFC 9113 §8.2.2).
  if (failure.close && settled === headers && request.httpVersionMajor < 2) settled.push("Connection", "close");
  response.writeHead(failure.status, settled);
  if (request.method === "HEAD") response.end();
  else response.end(body);
}

function report(log: Log, request: IncomingMessage, failure: WireFailure, error: unknown): void {
  const record = recordOf(request);
  const [first] = failure.errors;
  if (record !== undefined) record.error = first;
  if (failure.status < 500) return;
  log.error("request failed", {
    ...(record === undefined ? {} : { "http.request.id": record.id }),
    "http.request.method": request.method,
    "err.code": first.code,
    ...errorFields(error),
  });
}
