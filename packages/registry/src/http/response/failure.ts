import type { IncomingMessage } from "node:http";
import { ClientGone } from "../../errors/api-error.js";
import { CLIENT_CLOSED_REQUEST, translate } from "../../errors/translate.js";
import { envelope, type WireFailure } from "../../errors/wire-error.js";
import { errorFields, type Log } from "../../observability/log.js";
import { recordOf } from "../../observability/request-record.js";
import { respond, type Recipient } from "./respond.js";

/** What is needed to send a failure. */
interface FailureContext {
  readonly baseHeaders: readonly string[];
  readonly log: Log;
}

/** Sends `error` in its wire form, and logs its causes, which the client must not see. */
export function sendFailure(context: FailureContext, to: Recipient, error: unknown): void {
  const failure = translate(error);
  report(context.log, to.req, failure, error);
  if (to.res.headersSent) {
    // Too late for a status: only breaking the connection can show that the body isn't complete.
    to.res.destroy();
    return;
  }
  if (error instanceof ClientGone) {
    to.res.statusCode = CLIENT_CLOSED_REQUEST;
    to.res.destroy();
    return;
  }
  const headers = context.baseHeaders.concat("Content-Type", "application/json");
  for (const [name, value] of Object.entries(failure.headers)) headers.push(name, value);
  respond(to, failure.status, headers, envelope(failure.errors, failure.beside), { close: failure.close });
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
