import { Client, type Entry, type Filter } from "ldapts";
import type { Socket } from "node:net";
import { DirectoryFault, faultOf } from "./fault.js";

/** What to look for, and where. */
interface Search {
  readonly base: string;
  readonly scope: "base" | "sub";
  readonly filter: Filter;
  readonly attributes: readonly string[];
  /** Entries; a search that finds more is a fault. */
  readonly limit: number;
}

/** A connection to one server. Calls are made one after the other; each one throws DirectoryFault or the signal's reason. */
export interface DirectoryConnection {
  readonly isOpen: boolean;
  /** Authenticates the connection: what follows is done in this name. A password is never empty (RFC 4513 §5.1.2). */
  bind(name: string, password: string, signal: AbortSignal): Promise<void>;
  /** All entries, read in pages. References to other servers are left out. */
  search(search: Search, signal: AbortSignal): Promise<Entry[]>;
  close(): void;
}

/** Bytes that a server may send for one call. */
const MAX_ANSWER = 8 * 1024 * 1024;

/** Entries of one page; servers have limits such as 1000. */
const PAGE = 500;

/** A connection over an open socket. `timeout` (ms) is for each message to and from the server. */
export function createConnection(socket: Socket, timeout: number): DirectoryConnection {
  let received = 0;
  let isUsed = false;
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received > MAX_ANSWER) socket.destroy(new Error(`the server sends more than ${MAX_ANSWER} bytes`));
  });
  const client = new Client({
    url: "ldap://directory",
    timeout,
    createConnection: () => {
      // The library connects again by itself, over an open connection and without a bind: never with this one.
      if (isUsed) throw new DirectoryFault("server", "the connection has ended");
      isUsed = true;
      return socket;
    },
  });

  async function call<T>(operation: "bind" | "search", signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    received = 0;
    const stop = (): void => void socket.destroy();
    signal.addEventListener("abort", stop);
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw faultOf(operation, error);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async function readPages({ base, scope, filter, attributes, limit }: Search): Promise<Entry[]> {
    const options = {
      scope,
      filter,
      attributes: [...attributes],
      timeLimit: Math.ceil(timeout / 1000),
      paged: { pageSize: Math.min(PAGE, limit + 1) },
    };
    const entries: Entry[] = [];
    for await (const page of client.searchPaginated(base, options)) {
      entries.push(...page.searchEntries);
      if (entries.length > limit) throw new DirectoryFault("request", `a search finds more than ${limit} entries`);
    }
    return entries;
  }

  return {
    get isOpen() {
      return !socket.destroyed && socket.writable;
    },
    bind(name, password, signal) {
      if (name === "" || password === "") throw new DirectoryFault("credentials", "the name or the password is empty");
      return call("bind", signal, () => client.bind(name, password));
    },
    search: (search, signal) => call("search", signal, () => readPages(search)),
    close() {
      socket.destroy();
    },
  };
}
