import type { IncomingMessage, ServerResponse } from "node:http";
import { ERROR_CODES } from "../errors/codes.js";
import { envelope } from "../errors/wire-error.js";
import { settleRequest } from "../http/unread-body.js";

const { status, message } = ERROR_CODES.UNAVAILABLE;
const BODY = envelope([{ code: "UNAVAILABLE", message, detail: "health check failed: please see /debug/health" }]);
const HEADERS = ["Content-Type", "application/json", "Content-Length", String(Buffer.byteLength(BODY))];

/** The answer to everything, `/` too, while the registry isn't fit to serve (contract §1.1, layer 5). */
export function answerUnavailable(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(status, settleRequest(request, response, [...HEADERS]));
  response.end(request.method === "HEAD" ? "" : BODY);
}
