import type { IncomingMessage, ServerResponse } from "node:http";
import { Http2ServerResponse, constants } from "node:http2";
import type { Socket } from "node:net";
import { addLines } from "./cors/lines.js";
import { isWaiting } from "./request-body.js";

/** Bytes that are read away to keep a connection: about what is on its way already. Go's server draws the same line. */
const DRAIN_LIMIT = 256 * 1024;

/** How long such a rest may take to arrive, and how long a refused client is listened to so that it reads its answer. */
const DRAIN_TIMEOUT = 5_000;
const LINGER = 1_000;

/**
 * Decides what becomes of a body that nobody has read when the answer goes out, so that the next request on the connection
 * begins where it should: a small rest is read away, before a large one the connection is closed. Returns the answer's
 * headers (name, value, …), with `Connection: close` where that is so, and with what browsers need.
 */
export function settleRequest(request: IncomingMessage, response: ServerResponse, headers: string[]): string[] {
  addLines(request, headers);
  if (request.httpVersionMajor >= 2) {
    settleStream(request, response);
    return headers;
  }
  const { headers: sent } = request;
  const length = sent["content-length"];
  if (length === undefined && sent["transfer-encoding"] === undefined) return headers;
  if (request.complete || length === "0") return headers;
  if (!isWaiting(request) && Number(length) <= DRAIN_LIMIT) {
    response.once("finish", () => drain(request));
    return headers;
  }
  lingerOn(request.socket, request);
  return [...headers, "Connection", "close"];
}

/** Node reads the rest away by itself only if nobody has read a part of it. */
function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), DRAIN_TIMEOUT);
  request.once("close", () => clearTimeout(timer));
  request.resume();
}

/**
 * A socket that is closed with bytes unread resets the connection, and a client that is still sending may then never see
 * its answer. So the sending side is shut first, and what arrives is dropped for a moment (RFC 9112 §9.6).
 */
function lingerOn(socket: Socket, request: IncomingMessage): void {
  socket.destroySoon = () => {
    socket.end();
    request.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER);
    socket.once("close", () => clearTimeout(timer));
  };
}

/** Tells an HTTP/2 client to stop sending (RFC 9113 §8.1). Node does so by itself only where nothing was read. */
function settleStream(request: IncomingMessage, response: ServerResponse): void {
  const any: unknown = response;
  if (request.complete || !(any instanceof Http2ServerResponse) || any.stream.endAfterHeaders) return;
  const { stream } = any;
  // The response's own `finish` comes only when the stream has closed, which is what this brings about.
  stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
}
