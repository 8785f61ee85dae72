import { abortable } from "@longshore/base/abort";
import type { DirectoryConnection } from "./connection.js";
import { DirectoryFault, isServerFault } from "./fault.js";
import type { Prepare, ServerConnection, Servers } from "./servers.js";

/** A bounded number of connections, which are kept open for the next caller. */
export interface ConnectionPool {
  /**
   * Does `work` with a connection of its own. If the server fails in the middle, the work is done again with another connection:
   * it must change nothing. Throws DirectoryFault, or the signal's reason.
   */
  use<T>(signal: AbortSignal, work: (connection: DirectoryConnection) => Promise<T>): Promise<T>;
  /** Ends all connections, also those in use. Idempotent. */
  close(): void;
}

/** What {@link createPool} needs. */
export interface PoolOptions {
  readonly servers: Servers;
  readonly size: number;
  readonly prepare?: Prepare;
}

/** An empty pool. */
export function createPool({ servers, size, prepare }: PoolOptions): ConnectionPool {
  const idle: ServerConnection[] = [];
  const busy = new Set<ServerConnection>();
  const waiting: (() => void)[] = [];
  let free = size;
  let isClosed = false;

  async function enter(signal: AbortSignal): Promise<void> {
    if (free > 0) {
      free -= 1;
      return;
    }
    const turn = new Promise<void>((resolve) => void waiting.push(resolve));
    await abortable(turn, signal, leave);
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  /** A kept connection, which may have died unnoticed, or a new one. */
  async function take(signal: AbortSignal): Promise<{ readonly held: ServerConnection; readonly isNew: boolean }> {
    if (isClosed) throw new DirectoryFault("server", "the connections are closed");
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      if (kept.connection.isOpen) return { held: kept, isNew: false };
      kept.connection.close();
    }
    return { held: await servers.open(signal, prepare), isNew: true };
  }

  function release(held: ServerConnection): void {
    if (held.connection.isOpen && !isClosed) idle.push(held);
    else held.connection.close();
  }

  function dropIdle(server: string): void {
    for (const each of idle.filter((kept) => kept.server === server)) each.connection.close();
    idle.splice(0, idle.length, ...idle.filter((kept) => kept.server !== server));
  }

  async function workWith<T>(
    held: ServerConnection,
    work: (connection: DirectoryConnection) => Promise<T>,
  ): Promise<T> {
    busy.add(held);
    try {
      return await work(held.connection);
    } catch (error) {
      if (isServerFault(error)) held.connection.close();
      throw error;
    } finally {
      busy.delete(held);
      release(held);
    }
  }

  return {
    async use(signal, work) {
      signal.throwIfAborted();
      await enter(signal);
      try {
        for (let opened = 0; ;) {
          const { held, isNew } = await take(signal);
          if (isNew) opened += 1;
          try {
            return await workWith(held, work);
          } catch (error) {
            if (!isServerFault(error)) throw error;
            // Kept connections die together when their server restarts: that says nothing about the server as it is now.
            dropIdle(held.server);
            if (isNew) held.blame();
            if (opened >= servers.count || isClosed) throw error;
          }
        }
      } finally {
        leave();
      }
    },
    close() {
      isClosed = true;
      for (const { connection } of [...idle.splice(0), ...busy]) connection.close();
    },
  };
}
