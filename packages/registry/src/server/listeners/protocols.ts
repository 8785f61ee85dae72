import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { Connection } from "../connections/connection-table.js";
import { Pipeline } from "./pipeline.js";
import { headFault, joinNoneMatch, mostHeaders, refuseHead } from "./request-head.js";

/**
 * Handles one request of either protocol version; HTTP/2's come through Node's compatibility API.
 */
export type ProtocolListener = (connection: Connection, request: IncomingMessage, response: ServerResponse) => void;

/** The limits on a request's head and a connection's idle time: bytes, and ms, where 0 means none. */
export interface ProtocolLimits {
  readonly headerSize: number;
  readonly headerTimeout: number;
  readonly idleTimeout: number;
}

/** Parses what arrives on connections that are passed to it; it doesn't listen itself. */
export interface Protocol {
  accept(connection: Connection): void;
  close(): void;
}

// The compatibility API is made to replace HTTP/1.1's; its types just don't say so.

function isRequest(request: object): request is IncomingMessage {
  return "headers" in request && "httpVersion" in request;
}

function isResponse(response: object): response is ServerResponse {
  return "writeHead" in response && "end" in response;
}

/** What belongs to the socket of a request. */
interface Lane {
  readonly connection: Connection;
  readonly pipeline: Pipeline;
}

type Marked = Socket & { [LANE]?: Lane };
const LANE: unique symbol = Symbol("lane");

/**
 * HTTP/1.1 and 1.0. A head that is too large is answered with 431, one that is too slow with 408, a repeated header that
 * may occur only once with 400.
 */
export function createHttp1Protocol(limits: ProtocolLimits, listener: ProtocolListener): Protocol {
  const server = createHttp1({
    maxHeaderSize: limits.headerSize,
    // Regardless of NODE_OPTIONS: lenient parsing lets requests be smuggled past a proxy.
    insecureHTTPParser: false,
    headersTimeout: limits.headerTimeout,
    keepAliveTimeout: limits.idleTimeout,
    // An upload may take hours; the parts that must be quick are bounded by the head's timeout and ConnectionTable.sweep.
    requestTimeout: 0,
    connectionsCheckingInterval:
      limits.headerTimeout === 0 ? 30_000 : Math.max(50, Math.min(5000, limits.headerTimeout / 4)),
  });
  // By default the library silently drops everything after the thousandth line; we refuse more lines than our limit.
  server.maxHeadersCount = 0;
  const most = mostHeaders(limits.headerSize);
  const on = (request: IncomingMessage, response: ServerResponse) => {
    const lane = laneOf(request.socket);
    // The library loses requests sent together with one that asks for another protocol, so none may follow.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    lane?.pipeline.take(response, () => {
      const fault = headFault(request, most);
      if (fault !== undefined) refuseHead(request, response, fault);
      else listener(lane.connection, request, response);
    });
  };
  server.on("request", on).on("checkContinue", on);
  // The library expects to listen itself; this makes it watch its timeouts.
  server.emit("listening");
  return {
    accept(connection) {
      mark(connection.socket, { connection, pipeline: new Pipeline(connection.socket) });
      server.emit("connection", connection.socket);
    },
    close() {
      server.close();
    },
  };
}

/** Streams that one client may have open at once, as in Go's server. */
const MAX_STREAMS = 250;
/**
 * What a client may send ahead on one stream and on the whole connection (bytes): bounds memory, and the speed of distant
 * uploads.
 */
const STREAM_WINDOW = 1024 * 1024;
const SESSION_WINDOW = 4 * 1024 * 1024;

/**
 * HTTP/2, over TLS or with prior knowledge (h2c). A stream whose head is too large is ended (ENHANCE_YOUR_CALM); a repeated
 * header that may occur only once is answered with 400.
 */
export function createHttp2Protocol(limits: ProtocolLimits, listener: ProtocolListener): Protocol {
  const most = mostHeaders(limits.headerSize);
  const server = createHttp2({
    maxHeaderListPairs: most,
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      initialWindowSize: STREAM_WINDOW,
      maxHeaderListSize: limits.headerSize,
      enablePush: false,
    },
  });
  let accepting: Connection | undefined;
  server.on("session", (session) => {
    // Emitted while `accept` runs.
    const connection = accepting;
    if (connection === undefined) return void session.destroy();
    sessions.set(session, connection);
    session.setLocalWindowSize(SESSION_WINDOW);
    connection.endGracefully = () => session.close();
    session.on("error", () => undefined);
    if (limits.idleTimeout > 0)
      session.setTimeout(limits.idleTimeout, () => connection.active === 0 && session.close());
    session.once("close", () => connection.socket.destroySoon());
  });
  const sessions = new WeakMap<object, Connection>();
  const on = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { session } = request.stream;
    const connection = session === undefined ? undefined : sessions.get(session);
    if (connection !== undefined && isRequest(request) && isResponse(response)) {
      const fault = headFault(request, most);
      if (fault !== undefined) return void refuseHead(request, response, fault);
      joinNoneMatch(request);
      listener(connection, request, response);
    } else {
      request.stream.close();
    }
  };
  server.on("request", on).on("checkContinue", on);
  return {
    accept(connection) {
      accepting = connection;
      server.emit("connection", connection.socket);
      accepting = undefined;
    },
    close: () => undefined,
  };
}

function mark(socket: Marked, lane: Lane): void {
  socket[LANE] = lane;
}

function laneOf(socket: Marked): Lane | undefined {
  return socket[LANE];
}
