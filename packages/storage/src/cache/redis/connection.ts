import type { CacheObserver, CacheOperation } from "../../contract/caches.js";
import { createCircuit } from "./circuit.js";
import type { RedisClient } from "./client.js";

/** One command, with how it is counted. */
export interface RedisCall {
  readonly operation: CacheOperation;
  readonly command: string;
  readonly args: readonly (string | Buffer | number)[];
  /** The answer's texts come as buffers. */
  readonly binary?: boolean | undefined;
  /** It is tried also while the circuit is open. */
  readonly urgent?: boolean | undefined;
}

/** A Redis that may be away: whoever calls has another way to go on. */
export interface RedisConnection {
  /** The answer. Rejects at once while Redis is away, and after the time that a command has. */
  call(call: RedisCall): Promise<unknown>;
  close(): void;
}

/** Why a command wasn't made, or not in time. */
class RedisUnavailable extends Error {
  override readonly name = "RedisUnavailable";
}

/** How a connection behaves; times in ms. */
interface ConnectionOptions {
  readonly commandTimeout: number;
  readonly observer: CacheObserver;
  readonly now?: (() => number) | undefined;
}

/** Watches over `client`, which isn't connected yet, and connects it; waits for nothing. */
export function openConnection(client: RedisClient, options: ConnectionOptions): RedisConnection {
  const { observer, commandTimeout, now = () => performance.now() } = options;
  const circuit = createCircuit(now);
  let told: boolean | undefined;
  let reason = "not connected yet";

  const tell = (): void => {
    const available = client.status === "ready" && !circuit.isOpen;
    if (available === told) return;
    // Until the first attempt has ended there is nothing to tell.
    if (told === undefined && !available && (client.status === "connecting" || client.status === "connect")) return;
    told = available;
    observer.state?.(available, available ? "connected" : reason);
  };
  const note = (error: unknown): void => {
    reason = describe(error);
  };
  client.on("error", (error) => {
    note(error);
    tell();
  });
  client.on("node error", note);
  client.on("ready", () => {
    circuit.succeeded();
    tell();
    reason = "the connection was closed";
  });
  client.on("close", tell);
  client.on("end", tell);
  // Its failure comes as an event, and the client goes on trying.
  client.connect().catch(note);

  const failed = (error: unknown): never => {
    observer.failed?.();
    throw error;
  };

  return {
    async call({ operation, command, args, binary, urgent }) {
      if (client.status !== "ready") return failed(new RedisUnavailable(reason));
      if (urgent !== true && !circuit.admits()) return failed(new RedisUnavailable("the circuit is open"));
      const started = now();
      try {
        const sent = binary === true ? client.callBuffer(command, [...args]) : client.call(command, [...args]);
        const answer = await inTime(sent, commandTimeout);
        circuit.succeeded();
        tell();
        return answer;
      } catch (error) {
        // A script that a restarted server doesn't know any more is no fault.
        if (isUnknownScript(error)) throw error;
        circuit.failed();
        note(error);
        tell();
        return failed(error);
      } finally {
        observer.call?.(operation, (now() - started) / 1000);
      }
    },
    close() {
      told = false;
      client.disconnect();
    },
  };
}

/** Whether Redis says that it doesn't have the script of an EVALSHA. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** The library's own text, without the command that it carries along. */
function describe(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "unknown fault";
}

async function inTime<T>(work: Promise<T>, limit: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RedisUnavailable(`no answer within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
