import type { IncomingMessage, ServerResponse } from "node:http";
import { Http2ServerResponse, constants } from "node:http2";
import type { Socket } from "node:net";

/** How many bytes are discarded to keep a connection: about what is already in flight. Go's server has the same limit. */
const DRAIN_LIMIT = 256 * 1024;

/**
 * How long the rest of a body may take to arrive, and how long a refused client may go on sending so that it gets to read
 * its response (ms).
 */
const DRAIN_TIMEOUT = 5_000;
const LINGER = 1_000;

/**
 * Decides what happens to the part of a body that is still unread when the response is sent, so that the next request on the
 * connection starts at the right place. A small rest is discarded; if it is large, or the client is still waiting for a 100,
 * the connection must be closed. Returns whether it must.
 */
export function settleUnreadBody(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): boolean {
  if (request.httpVersionMajor >= 2) {
    settleStream(request, response);
    return false;
  }
  const { headers } = request;
  const length = headers["content-length"];
  if (length === undefined && headers["transfer-encoding"] === undefined) return false;
  if (request.complete || length === "0") return false;
  if (!awaitsContinue && Number(length) <= DRAIN_LIMIT) {
    response.once("finish", () => drain(request));
    return false;
  }
  lingerOn(request.socket, request);
  return true;
}

/**
 * Waits until a small body that nothing has read has arrived, and discards it. Called before a refusal:
 * a client may hang that gets it before it has sent the body (containerd 1.6 writes a manifest into a pipe that then nobody
 * reads). Go's server does so before every response.
 */
export function discardSmallBody(request: IncomingMessage, awaitsContinue: boolean): Promise<void> {
  if (!hasSmallBody(request, awaitsContinue)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAIN_TIMEOUT);
    const settle = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.once("end", settle).once("close", settle).resume();
  });
}

/** HTTP/2 lets a client know that it needn't send the rest. */
function hasSmallBody(request: IncomingMessage, awaitsContinue: boolean): boolean {
  const { complete, destroyed, headers, httpVersionMajor, readableDidRead } = request;
  const isKnown = headers["content-length"] !== undefined && Number(headers["content-length"]) <= DRAIN_LIMIT;
  return httpVersionMajor < 2 && !complete && !destroyed && !readableDidRead && !awaitsContinue && isKnown;
}

/** Node discards the rest by itself only if no part of the body has been read. */
function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), DRAIN_TIMEOUT);
  request.once("close", () => clearTimeout(timer));
  request.resume();
}

/**
 * Closing a socket with unread bytes resets the connection, and a client that is still sending may then never see its
 * response. So only the sending side is closed at first, and incoming bytes are discarded for a moment (RFC 9112 §9.6).
 */
function lingerOn(socket: Socket, request: IncomingMessage): void {
  socket.destroySoon = () => {
    socket.end();
    request.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER);
    socket.once("close", () => clearTimeout(timer));
  };
}

/** Tells an HTTP/2 client to stop sending (RFC 9113 §8.1). Node does so by itself only if nothing was read. */
function settleStream(request: IncomingMessage, response: ServerResponse): void {
  const any: unknown = response;
  if (request.complete || !(any instanceof Http2ServerResponse) || any.stream.endAfterHeaders) return;
  const { stream } = any;
  // The response's own `finish` fires only once the stream is closed, so it can't be used to close it.
  stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
}
