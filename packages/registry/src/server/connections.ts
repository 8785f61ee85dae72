import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RequestRecord } from "../observability/request-record.js";
import { formatAddress, plainAddress } from "./address.js";

/** What bounds the connections of a process. Times in ms; 0: none. */
export interface ConnectionLimits {
  /** Open connections. */
  readonly connections: number;
  /** Without a byte from a client that owes us some, or to one that we owe some. */
  readonly stall: number;
}

/** One client's connection. */
export interface Connection {
  /** The TLS socket once the handshake is over, until then and without TLS the one below. */
  socket: Socket;
  /** The peer's address; `@` for a unix socket, as in the original's logs. */
  readonly peer: string;
  /** The same with the port. */
  readonly remote: string;
  /** Exchanges under way. */
  active: number;
  /** How an HTTP/2 session is asked to end once its streams are over. */
  endGracefully: (() => void) | undefined;
}

/** A request and its response, from the head's arrival until the response is over. */
export interface Exchange {
  readonly connection: Connection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  /** What the connection had sent when the exchange began (bytes). */
  readonly sentBefore: number;
  /** Progress at the last look, to see a stalled client. */
  received: number;
  sent: number;
  since: number;
}

/**
 * The connections of one process: knows which are idle and which have work, so that it can make room for newcomers, cut
 * clients that stall, and end everything in order when the process stops.
 */
export class ConnectionTable {
  readonly #limits: ConnectionLimits;
  readonly #all = new Set<Connection>();
  /** Without an exchange, in the order in which they became so. */
  readonly #idle = new Set<Connection>();
  readonly #exchanges = new Set<Exchange>();
  readonly #counts = { opened: 0, crowdedOut: 0, stalled: 0 };
  #draining = false;
  #whenEmpty: (() => void) | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Begins to look for stalled clients. */
  start(): void {
    if (this.#limits.stall > 0 && this.#sweeper === undefined) {
      this.#sweeper = setInterval(
        () => this.sweep(Date.now()),
        Math.max(50, Math.min(5000, this.#limits.stall / 4)),
      ).unref();
    }
  }

  get size(): number {
    return this.#all.size;
  }

  /** Connections without an exchange. */
  get idle(): number {
    return this.#idle.size;
  }

  /** Exchanges that bring a blob's bytes and haven't brought all. */
  get uploads(): number {
    let count = 0;
    for (const { request, record } of this.#exchanges) {
      if (!request.complete && record.handler?.startsWith("blob_upload") === true) count += 1;
    }
    return count;
  }

  /** Since the process began: connections taken in, crowded out at the limit, and cut since their client stalled. */
  get counts(): { readonly opened: number; readonly crowdedOut: number; readonly stalled: number } {
    return this.#counts;
  }

  /** How many exchanges are under way on each route that matched. */
  inFlight(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { record } of this.#exchanges) {
      if (record.handler !== undefined) counts.set(record.handler, (counts.get(record.handler) ?? 0) + 1);
    }
    return counts;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Takes a new connection in. At the limit the one that has been idle the longest makes room (it may be a client that
   * never finishes its request head); when all have work, the newcomer is closed and undefined returned.
   */
  open(socket: Socket): Connection | undefined {
    if (this.#draining || !this.#makeRoom()) {
      socket.destroy();
      return undefined;
    }
    this.#counts.opened += 1;
    const { remoteAddress, remotePort } = socket;
    const connection: Connection = {
      socket,
      peer: remoteAddress === undefined ? "@" : plainAddress(remoteAddress),
      remote: remoteAddress === undefined ? "@" : formatAddress(remoteAddress, remotePort ?? 0),
      active: 0,
      endGracefully: undefined,
    };
    this.#all.add(connection);
    this.#idle.add(connection);
    socket.once("close", () => this.#forget(connection));
    return connection;
  }

  /** Notes that a request's head has arrived. */
  begin(
    connection: Connection,
    request: Exchange["request"],
    response: Exchange["response"],
    record: RequestRecord,
  ): Exchange {
    if (connection.active === 0) this.#idle.delete(connection);
    connection.active += 1;
    const exchange = {
      connection,
      request,
      response,
      record,
      sentBefore: connection.socket.bytesWritten,
      received: -1,
      sent: -1,
      since: 0,
    };
    this.#exchanges.add(exchange);
    if (this.#draining) announceClose(exchange);
    return exchange;
  }

  /** Notes that the response is over, one way or the other. */
  end(exchange: Exchange): void {
    if (!this.#exchanges.delete(exchange)) return;
    const { connection } = exchange;
    connection.active -= 1;
    if (connection.active > 0 || !this.#all.has(connection)) return;
    this.#idle.add(connection);
    if (this.#draining) finish(connection);
  }

  /** Ends idle connections now and the others as soon as their exchanges are over; resolves when none is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const exchange of this.#exchanges) announceClose(exchange);
    for (const connection of this.#all) {
      if (connection.active === 0) finish(connection);
      else connection.endGracefully?.();
    }
    if (this.#all.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  /** Cuts what is left. */
  destroy(): void {
    clearInterval(this.#sweeper);
    for (const connection of this.#all) connection.socket.destroy();
  }

  /** Cuts clients that have made no progress for the time of `stall`; called by the timer. */
  sweep(now: number): void {
    for (const exchange of this.#exchanges) {
      const { received, sent } = progressOf(exchange);
      const moved = received !== exchange.received || sent !== exchange.sent;
      if (moved || !waitsForClient(exchange)) {
        Object.assign(exchange, { received, sent, since: now });
      } else if (now - exchange.since >= this.#limits.stall) {
        this.#counts.stalled += 1;
        (isAnsweredStream(exchange) ? exchange.response : exchange.connection.socket).destroy();
      }
    }
  }

  #makeRoom(): boolean {
    if (this.#limits.connections === 0 || this.#all.size < this.#limits.connections) return true;
    this.#counts.crowdedOut += 1;
    const [longest] = this.#idle;
    if (longest === undefined) return false;
    longest.socket.destroy();
    this.#forget(longest);
    return true;
  }

  #forget(connection: Connection): void {
    this.#idle.delete(connection);
    if (this.#all.delete(connection) && this.#all.size === 0) this.#whenEmpty?.();
  }
}

/** An HTTP/2 exchange of which only the sending is left: that is up to its stream's window, whatever the connection does. */
function isAnsweredStream({ connection, response }: Exchange): boolean {
  return connection.endGracefully !== undefined && response.writableEnded;
}

/** What changes when the client makes progress. */
function progressOf(exchange: Exchange): { readonly received: number; readonly sent: number } {
  const { socket } = exchange.connection;
  if (isAnsweredStream(exchange)) return { received: 0, sent: -exchange.response.writableLength };
  return { received: socket.bytesRead, sent: socket.bytesWritten - socket.writableLength };
}

/**
 * Whether the next move is the client's: it owes body bytes and none is buffered, or bytes for it can't be sent. A
 * storage that takes its time is not the client's fault, however long it is.
 */
function waitsForClient(exchange: Exchange): boolean {
  const { request, response, connection } = exchange;
  if (isAnsweredStream(exchange)) return true;
  if (!request.complete && request.readableLength === 0) return true;
  return !response.writableFinished && connection.socket.writableLength > 0;
}

/** Tells an HTTP/1.1 client with the response's head that this connection takes no further request. */
function announceClose({ connection, response }: Exchange): void {
  if (connection.endGracefully === undefined) response.shouldKeepAlive = false;
}

function finish(connection: Connection): void {
  if (connection.endGracefully === undefined) connection.socket.end();
  else connection.endGracefully();
}
