import type { IncomingMessage, ServerResponse } from "node:http";
import { settleUnreadBody } from "../body/unread-body.js";

/**
 * The one place that writes responses. A single `writeHead` with a flat list spares Node the map of headers that `setHeader` fills.
 */

/** What is known about a request before anything responds to it. */
export interface ResponseState {
  /** Header lines (name, value, …) that a browser needs on any response. */
  corsLines: readonly string[];
  /** Whether the client sends its body only after a 100 (`Expect: 100-continue`) and hasn't been sent one. */
  awaitsContinue: boolean;
  /** Whether what the browser keeps may have decided on the answer: no cache may give it to anybody else. */
  isPersonal: boolean;
}

/** Where a response goes. */
export interface Recipient {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly state: ResponseState;
}

export const NO_LINES: readonly string[] = [];
const NO_BODY = "";

/** The state of a request whose head has just arrived. */
export function responseState(request: IncomingMessage): ResponseState {
  return { corsLines: NO_LINES, awaitsContinue: awaitsContinue(request), isPersonal: false };
}

/** Whether the client of `request` sends its body only after a 100. HTTP/1.0 has none (RFC 9110 §10.1.1). */
function awaitsContinue({ headers: { expect }, httpVersion }: IncomingMessage): boolean {
  return expect !== undefined && /(?:^|\W)100-continue(?:$|\W)/i.test(expect) && httpVersion !== "1.0";
}

/**
 * Sends the whole response. `headers` are name, value, name, value, …. Content-Length is `length`, or the body's own length;
 * a HEAD gets the same headers without the body. `close` closes the connection afterwards.
 */
export function respond(
  to: Recipient,
  status: number,
  headers: string[],
  body: string | Uint8Array = NO_BODY,
  { length = Buffer.byteLength(body), close = false }: { readonly length?: number; readonly close?: boolean } = {},
): void {
  respondHead(to, status, headers, length, close);
  if (body === NO_BODY || to.req.method === "HEAD") to.res.end();
  else to.res.end(body);
}

/** Sends status and headers; the caller sends `length` bytes of body, or (undefined) a body that ends when it ends. */
export function respondHead(
  to: Recipient,
  status: number,
  headers: string[],
  length: number | undefined,
  close = false,
): void {
  const { req, res, state } = to;
  // RFC 9110 §8.6: neither has a body that could have a length.
  if (length !== undefined && status !== 204 && status !== 304) headers.push("Content-Length", String(length));
  addCorsLines(state.corsLines, headers);
  if (state.isPersonal) addPersonalLines(headers);
  const unusable = settleUnreadBody(req, res, state.awaitsContinue);
  // HTTP/2 has no such header (RFC 9113 §8.2.2).
  if ((unusable || close) && req.httpVersionMajor < 2) headers.push("Connection", "close");
  res.writeHead(status, headers);
}

/**
 * Adds `lines` (name, value, …) to a response's `headers`, except those already present: what `http.headers` says takes
 * precedence. `setHeader` can't be used, because Node would then keep only one of several lines with the same name.
 */
function addCorsLines(lines: readonly string[], headers: string[]): void {
  if (lines.length === 0) return;
  const present = new Set(headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i] ?? "";
    if (!present.has(name.toLowerCase())) headers.push(name, lines[i + 1] ?? "");
  }
}

/** What decides whether a browser's session counts. */
const SESSION_HEADERS = "Cookie, Longshore-Console, Sec-Fetch-Site";

/** Shared caches keep answers to `Authorization` apart by themselves (RFC 9111 §3.5), but not those to a cookie. */
function addPersonalLines(headers: string[]): void {
  let varies = SESSION_HEADERS;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const name = headers[i]?.toLowerCase();
    if (name === "vary") varies = `${headers[i + 1] ?? ""}, ${varies}`;
    if (name === "vary" || name === "cache-control") headers.splice(i, 2);
  }
  headers.push("Cache-Control", "private, no-store", "Vary", varies);
}
