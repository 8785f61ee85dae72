import type { Clock } from "@longshore/auth";
import { createCircuit, type Circuit } from "@longshore/base/circuit";
import { createConnection, type DirectoryConnection } from "./connection.js";
import { DirectoryFault, isServerFault } from "./fault.js";
import { openSocket, type ServerAddress, type TlsTrust } from "./open-socket.js";

/** A connection to one of the servers. */
export interface ServerConnection {
  readonly connection: DirectoryConnection;
  readonly server: string;
  /** The server didn't do its part: others are preferred for a while. */
  blame(): void;
}

/** Makes a new connection ready for use, for example by a bind. */
export type Prepare = (connection: DirectoryConnection, signal: AbortSignal) => Promise<void>;

/** The servers of a directory, which all have the same entries. */
export interface Servers {
  readonly count: number;
  /** Connects to the first server that can be reached and prepared. Throws DirectoryFault if none can, or the signal's reason. */
  open(signal: AbortSignal, prepare?: Prepare): Promise<ServerConnection>;
}

/** What {@link createServers} needs; times in milliseconds. */
export interface ServersOptions {
  readonly addresses: readonly ServerAddress[];
  readonly trust: TlsTrust;
  readonly connectTimeout: number;
  readonly operationTimeout: number;
  readonly clock: Clock;
}

/** How long a server that failed is asked only if no other one is left (ms). */
const PAUSE = 30_000;

interface Candidate {
  readonly address: ServerAddress;
  readonly name: string;
  readonly circuit: Circuit;
}

/** Servers in the order of preference. */
export function createServers(options: ServersOptions): Servers {
  const { addresses, trust, connectTimeout, operationTimeout, clock } = options;
  const candidates: readonly Candidate[] = addresses.map((address) => ({
    address,
    name: `${address.host}:${address.port}`,
    circuit: createCircuit({ threshold: 1, pause: PAUSE, now: clock }),
  }));

  async function connect({ address, name, circuit }: Candidate, signal: AbortSignal): Promise<DirectoryConnection> {
    const time = AbortSignal.timeout(connectTimeout);
    try {
      const socket = await openSocket(address, trust, AbortSignal.any([signal, time]));
      return createConnection(socket, operationTimeout);
    } catch (error) {
      signal.throwIfAborted();
      circuit.failed();
      const reason = time.aborted ? `no connection within ${connectTimeout} ms` : messageOf(error);
      throw new DirectoryFault("server", `${name}: ${reason}`, { cause: error });
    }
  }

  async function openAt(candidate: Candidate, signal: AbortSignal, prepare?: Prepare): Promise<ServerConnection> {
    const { name, circuit } = candidate;
    const connection = await connect(candidate, signal);
    try {
      await prepare?.(connection, signal);
      circuit.succeeded();
      return { connection, server: name, blame: () => circuit.failed() };
    } catch (error) {
      connection.close();
      signal.throwIfAborted();
      if (isServerFault(error)) circuit.failed();
      throw error;
    }
  }

  return {
    count: candidates.length,
    async open(signal, prepare) {
      // Servers that failed lately come last: they are better than none.
      const order = candidates.toSorted((a, b) => Number(a.circuit.isOpen) - Number(b.circuit.isOpen));
      const problems: string[] = [];
      for (const candidate of order) {
        try {
          return await openAt(candidate, signal, prepare);
        } catch (error) {
          if (!isServerFault(error)) throw error;
          problems.push(messageOf(error));
        }
      }
      throw new DirectoryFault("server", problems.join("; "));
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown fault";
}
