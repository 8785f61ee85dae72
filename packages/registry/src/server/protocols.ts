import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { Connection } from "./connections.js";
import { answerTwoHosts, hasTwoHosts } from "./host-lines.js";
import { Pipeline } from "./pipeline.js";

/**
 * Handles one request of either protocol version; HTTP/2's come through Node's compatibility API. `waiting`: the client
 * sends its body only when it is told to go on.
 */
export type ExchangeListener = (
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  waiting: boolean,
) => void;

/** What bounds a request's head and a connection's idle time: bytes, and ms where 0 is none. */
export interface ProtocolLimits {
  readonly headerSize: number;
  readonly headerTimeout: number;
  readonly idleTimeout: number;
}

/** Parses what arrives on connections that it is handed; it doesn't listen itself. */
export interface Protocol {
  accept(connection: Connection): void;
  close(): void;
}

// The compatibility API is made to be used in the place of HTTP/1.1's; only its types don't say so.

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

/** HTTP/1.1 and 1.0. A head that is too large is answered with 431, one that is too slow with 408, two hosts with 400. */
export function createHttp1Protocol(limits: ProtocolLimits, listener: ExchangeListener): Protocol {
  const server = createHttp1({
    maxHeaderSize: limits.headerSize,
    headersTimeout: limits.headerTimeout,
    keepAliveTimeout: limits.idleTimeout,
    // An upload may take hours; what must not take long is guarded by the head's timeout and ConnectionTable.sweep.
    requestTimeout: 0,
    connectionsCheckingInterval:
      limits.headerTimeout === 0 ? 30_000 : Math.max(50, Math.min(5000, limits.headerTimeout / 4)),
  });
  const on = (waiting: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const lane = laneOf(request.socket);
    lane?.pipeline.take(response, () => {
      if (hasTwoHosts(request)) answerTwoHosts(response);
      else listener(lane.connection, request, response, waiting);
    });
  };
  server.on("request", on(false)).on("checkContinue", on(true));
  // The library expects to listen itself; this is how it begins to watch its timeouts.
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
/** What a client may send ahead on one stream and on the whole connection (bytes): memory bound and speed of far uploads. */
const STREAM_WINDOW = 1024 * 1024;
const SESSION_WINDOW = 4 * 1024 * 1024;

/** HTTP/2, over TLS or with prior knowledge (h2c). */
export function createHttp2Protocol(limits: ProtocolLimits, listener: ExchangeListener): Protocol {
  const server = createHttp2({
    maxHeaderListPairs: 1000,
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
  const on = (waiting: boolean) => (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { session } = request.stream;
    const connection = session === undefined ? undefined : sessions.get(session);
    if (connection !== undefined && isRequest(request) && isResponse(response)) {
      listener(connection, request, response, waiting);
    } else {
      request.stream.close();
    }
  };
  server.on("request", on(false)).on("checkContinue", on(true));
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
