import { plainAddress } from "@longshore/base/network";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RequestRecord } from "../../observability/request-record.js";

/** The limits on the connections of a process. Times in ms; 0: none. */
export interface ConnectionLimits {
  /** Open connections. */
  readonly connections: number;
  /** How long no byte may arrive from a client that owes us some, or leave for one that we owe some. */
  readonly stall: number;
}

/** One client's connection. */
export interface Connection {
  /** The TLS socket once the handshake is over; before that, and without TLS, the socket below it. */
  socket: Socket;
  /** The peer's address; `@` for a unix socket, as in Distribution's logs. */
  readonly peer: string;
  /** Exchanges in progress. */
  active: number;
  /** Asks an HTTP/2 session to end once its streams are done. */
  endGracefully: (() => void) | undefined;
}

/** A request and its response, from the head's arrival until the response is over. */
export interface InFlight {
  readonly connection: Connection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  /** The bytes the connection had sent when the exchange began. */
  readonly sentBefore: number;
  /** The bytes the connection had received by then. */
  readonly receivedBefore: number;
  /** Progress at the last check, to detect a stalled client. */
  received: number;
  sent: number;
  since: number;
}

/**
 * The connections of one process: knows which are idle and which are busy, so that it can make room for new ones, disconnect
 * stalled clients, and end everything in order when the process stops.
 */
export class ConnectionTable {
  readonly #limits: ConnectionLimits;
  readonly #all = new Set<Connection>();
  /** Without an entry, in the order in which they became so. */
  readonly #idle = new Set<Connection>();
  readonly #inFlight = new Set<InFlight>();
  readonly #counts = { opened: 0, requests: 0, crowdedOut: 0, stalled: 0 };
  #draining = false;
  #whenEmpty: (() => void) | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Starts checking for stalled clients. */
  start(): void {
    if (this.#limits.stall > 0 && this.#sweeper === undefined) {
      this.#sweeper = setInterval(
        () => this.sweep(performance.now()),
        Math.max(50, Math.min(5000, this.#limits.stall / 4)),
      ).unref();
    }
  }

  get size(): number {
    return this.#all.size;
  }

  /** Connections without an entry. */
  get idle(): number {
    return this.#idle.size;
  }

  /** Exchanges that are uploading a blob's bytes. */
  get uploads(): number {
    let count = 0;
    for (const { request, record } of this.#inFlight) {
      if (!request.complete && record.handler?.startsWith("blob_upload") === true) count += 1;
    }
    return count;
  }

  /** Exchanges in progress. */
  get exchanges(): number {
    return this.#inFlight.size;
  }

  /** Since the process started: connections accepted, requests, closed at the limit, and cut because their client stalled. */
  get counts(): {
    readonly opened: number;
    readonly requests: number;
    readonly crowdedOut: number;
    readonly stalled: number;
  } {
    return this.#counts;
  }

  /** How many exchanges are in progress on each matched route. */
  inFlight(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { record } of this.#inFlight) {
      if (record.handler !== undefined) counts.set(record.handler, (counts.get(record.handler) ?? 0) + 1);
    }
    return counts;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Accepts a new connection. At the limit, the one that has been idle longest is closed (it may be a client that never finishes
   * its request head); if all are busy, the new one is closed and undefined is returned.
   */
  open(socket: Socket): Connection | undefined {
    if (this.#draining || !this.#makeRoom()) {
      socket.destroy();
      return undefined;
    }
    this.#counts.opened += 1;
    const { remoteAddress } = socket;
    const connection: Connection = {
      socket,
      peer: remoteAddress === undefined ? "@" : plainAddress(remoteAddress),
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
    request: InFlight["request"],
    response: InFlight["response"],
    record: RequestRecord,
  ): InFlight {
    if (connection.active === 0) this.#idle.delete(connection);
    connection.active += 1;
    const entry = {
      connection,
      request,
      response,
      record,
      sentBefore: connection.socket.bytesWritten,
      receivedBefore: connection.socket.bytesRead,
      received: -1,
      sent: -1,
      since: 0,
    };
    this.#inFlight.add(entry);
    this.#counts.requests += 1;
    if (this.#draining) announceClose(entry);
    return entry;
  }

  /** Notes that the response is over, one way or the other. */
  end(entry: InFlight): void {
    if (!this.#inFlight.delete(entry)) return;
    const { connection } = entry;
    connection.active -= 1;
    if (connection.active > 0 || !this.#all.has(connection)) return;
    this.#idle.add(connection);
    if (this.#draining) finish(connection);
  }

  /** Ends idle connections now and the others as soon as their exchanges are done; resolves when none is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const entry of this.#inFlight) announceClose(entry);
    for (const connection of this.#all) {
      if (connection.active === 0) finish(connection);
      else connection.endGracefully?.();
    }
    if (this.#all.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  /** Closes the remaining connections at once. */
  destroy(): void {
    clearInterval(this.#sweeper);
    for (const connection of this.#all) connection.socket.destroy();
  }

  /** Disconnects clients that have made no progress for `stall`. `now` is in ms on a clock that never jumps. */
  sweep(now: number): void {
    for (const entry of this.#inFlight) {
      const { received, sent } = progressOf(entry);
      const moved = received !== entry.received || sent !== entry.sent;
      if (moved || !waitsForClient(entry)) {
        Object.assign(entry, { received, sent, since: now });
      } else if (now - entry.since >= this.#limits.stall) {
        this.#counts.stalled += 1;
        (isAnsweredStream(entry) ? entry.response : entry.connection.socket).destroy();
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

/** An HTTP/2 entry that only has bytes left to send: that depends on its stream's window, not on the connection. */
function isAnsweredStream({ connection, response }: InFlight): boolean {
  return connection.endGracefully !== undefined && response.writableEnded;
}

/** What changes when the client makes progress. */
function progressOf(entry: InFlight): { readonly received: number; readonly sent: number } {
  const { socket } = entry.connection;
  if (isAnsweredStream(entry)) return { received: 0, sent: -entry.response.writableLength };
  return { received: socket.bytesRead, sent: socket.bytesWritten - socket.writableLength };
}

/**
 * Whether the next move is the client's: it owes body bytes and none is buffered, or bytes for it can't be sent. A slow storage
 * is never the client's fault.
 */
function waitsForClient(entry: InFlight): boolean {
  const { request, response, connection } = entry;
  if (isAnsweredStream(entry)) return true;
  if (!request.complete && request.readableLength === 0) return true;
  return !response.writableFinished && connection.socket.writableLength > 0;
}

/** Tells an HTTP/1.1 client with the response's head that this connection takes no further request. */
function announceClose({ connection, response }: InFlight): void {
  if (connection.endGracefully === undefined) response.shouldKeepAlive = false;
}

function finish(connection: Connection): void {
  if (connection.endGracefully === undefined) connection.socket.end();
  else connection.endGracefully();
}
