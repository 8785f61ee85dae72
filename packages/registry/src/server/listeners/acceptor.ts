import { createServer, Socket, type Server } from "node:net";
import { Server as TlsServer, type TlsOptions, type TLSSocket } from "node:tls";
import type { Connection, ConnectionTable } from "../connections/connection-table.js";
import { isChallengeHello, type ChallengeHandshakes } from "./challenge-handshakes.js";
import type { Protocol } from "./protocols.js";

/** What is between the listening socket and the protocols. */
export interface AcceptorOptions {
  readonly connections: ConnectionTable;
  readonly http1: Protocol;
  /** Undefined: not offered. */
  readonly http2: Protocol | undefined;
  readonly tls: SecureOptions | undefined;
  /** HTTP/2 without TLS, for clients with prior knowledge (`http.h2c.enabled`). */
  readonly h2c: boolean;
  /** For the first bytes and the TLS handshake (ms); 0: none. */
  readonly handshakeTimeout: number;
}

export interface SecureOptions {
  readonly options: TlsOptions;
  readonly refuses: (socket: TLSSocket) => boolean;
  /** Undefined: no authority asks here who has a host. */
  readonly challenges: ChallengeHandshakes | undefined;
}

/** Distribution's keep-alive interval (wire contract §9.6). */
const TCP_KEEP_ALIVE = 180_000;
const TLS_HANDSHAKE = 0x16;
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n");
const PLAIN_ON_TLS =
  "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
  "Client sent an HTTP request to an HTTPS server.\n";

/** What accepts connections. */
export interface Acceptor {
  /** It doesn't listen yet. */
  readonly server: Server;
  /** Uses another certificate for new handshakes; open connections keep theirs. */
  readonly setTls: (options: TlsOptions) => void;
}

/** Creates the server that accepts connections and hands each one to its protocol. */
export function createAcceptor(options: AcceptorOptions): Acceptor {
  const { connections, http1, http2, handshakeTimeout } = options;
  const secured = options.tls === undefined ? undefined : createSecure(options, options.tls);
  const secure = secured?.accept;
  const hand = chooseHandover();

  function chooseHandover(): (connection: Connection) => void {
    if (secure !== undefined) {
      const challenges = options.tls?.challenges;
      const decide = challenges === undefined ? isDecided([TLS_HANDSHAKE]) : isTlsOrChallenge;
      return (connection) =>
        peek(connection.socket, decide, handshakeTimeout, (kind) => {
          if (kind === "challenge") challenges?.accept(connection.socket);
          else if (kind) secure(connection);
          else connection.socket.end(PLAIN_ON_TLS, () => connection.socket.destroySoon());
        });
    }
    if (options.h2c && http2 !== undefined) {
      return (connection) =>
        peek(connection.socket, isDecided(HTTP2_PREFACE), handshakeTimeout, (isHttp2) => {
          (isHttp2 ? http2 : http1).accept(connection);
          if (!isHttp2) process.nextTick(() => connection.socket.resume());
        });
    }
    return (connection) => http1.accept(connection);
  }

  const server = createServer(
    // Half-open is allowed: a client may end its side and still wait for the response.
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE },
    (socket) => {
      // The socket closes after an error; its users listen for that.
      socket.on("error", () => undefined);
      const connection = connections.open(socket);
      if (connection !== undefined) hand(connection);
    },
  );
  return { server, setTls: (tls) => secured?.server.setSecureContext(tls) };
}

function createSecure(
  options: AcceptorOptions,
  tls: SecureOptions,
): { readonly server: TlsServer; readonly accept: (connection: Connection) => void } {
  const handshakes = new WeakMap<Socket, Connection>();
  const server = new TlsServer({
    ...tls.options,
    ...(options.handshakeTimeout > 0 ? { handshakeTimeout: options.handshakeTimeout } : {}),
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("secureConnection", (socket) => {
    socket.on("error", () => undefined);
    const raw = underlying(socket);
    const connection = raw === undefined ? undefined : handshakes.get(raw);
    if (connection === undefined || tls.refuses(socket)) {
      socket.destroy();
      return;
    }
    connection.socket = socket;
    const protocol = socket.alpnProtocol === "h2" && options.http2 !== undefined ? options.http2 : options.http1;
    protocol.accept(connection);
  });
  const accept = (connection: Connection): void => {
    handshakes.set(connection.socket, connection);
    server.emit("connection", connection.socket);
  };
  return { server, accept };
}

/** The TCP or unix socket below a TLS socket. */
function underlying(socket: TLSSocket): Socket | undefined {
  return "_parent" in socket && socket._parent instanceof Socket ? socket._parent : undefined;
}

/** Whether a connection begins with a TLS handshake, and with one of an authority; undefined while that is open. */
function isTlsOrChallenge(bytes: Buffer): boolean | "challenge" | undefined {
  if (bytes[0] !== TLS_HANDSHAKE) return bytes.length === 0 ? undefined : false;
  const isChallenge = isChallengeHello(bytes);
  return isChallenge === true ? "challenge" : isChallenge === undefined ? undefined : true;
}

/** Whether bytes begin with `wanted`; undefined while too few have arrived to decide. */
function isDecided(wanted: ArrayLike<number>): (bytes: Uint8Array) => boolean | undefined {
  return (bytes) => {
    const known = Math.min(bytes.length, wanted.length);
    for (let index = 0; index < known; index += 1) {
      if (bytes[index] !== wanted[index]) return false;
    }
    return known === wanted.length ? true : undefined;
  };
}

/** Reads a connection's first bytes until `decide` can decide, and puts them back into the socket before `then` runs. */
function peek<Decision>(
  socket: Socket,
  decide: (bytes: Buffer) => Decision | undefined,
  timeout: number,
  then: (decision: Decision) => void,
): void {
  let seen: Buffer | undefined;
  const timer = timeout > 0 ? setTimeout(() => socket.destroy(), timeout) : undefined;
  const onEnd = (): void => void socket.destroy();
  const onClose = (): void => clearTimeout(timer);
  const onData = (chunk: Buffer): void => {
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const decision = decide(seen);
    if (decision === undefined) return;
    clearTimeout(timer);
    socket.removeListener("data", onData).removeListener("end", onEnd).removeListener("close", onClose);
    socket.pause();
    socket.unshift(seen);
    then(decision);
  };
  socket.on("data", onData).once("end", onEnd).once("close", onClose);
}
