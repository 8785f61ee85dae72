import { createCircuit } from "@longshore/base/circuit";
import { SECOND } from "@longshore/base/duration";
import { withTimeout } from "@longshore/base/timeout";
import type { CacheObserver, CacheOperation } from "../../contract/caches.js";
import type { RedisClient } from "./client.js";

/** One command, and how metrics count it. */
export interface RedisCall {
  readonly operation: CacheOperation;
  readonly command: string;
  readonly args: readonly (string | Buffer | number)[];
  /** Strings in the answer are buffers. */
  readonly binary?: boolean | undefined;
  /** It is sent even while the circuit is open. */
  readonly urgent?: boolean | undefined;
}

/** A Redis that may be unavailable: every caller has a fallback. */
export interface RedisConnection {
  /** Resolves to the answer. Rejects at once while Redis is unavailable, and after the command timeout. */
  call(call: RedisCall): Promise<unknown>;
  close(): void;
}

/** While Redis doesn't answer, one command per pause (ms) tries it. */
const CIRCUIT = { threshold: 5, pause: SECOND };

/** Why a command wasn't sent, or wasn't answered in time. */
class RedisUnavailable extends Error {
  override readonly name = "RedisUnavailable";
}

/** Settings of a connection; times in ms. */
interface ConnectionOptions {
  readonly commandTimeout: number;
  readonly observer: CacheObserver;
  readonly now?: (() => number) | undefined;
}

/** Connects `client`, and monitors it. Returns at once. */
export function openConnection(client: RedisClient, options: ConnectionOptions): RedisConnection {
  const { observer, commandTimeout, now = () => performance.now() } = options;
  const circuit = createCircuit({ ...CIRCUIT, now });
  let told: boolean | undefined;
  let reason = "not connected yet";

  const tell = (): void => {
    const available = client.status === "ready" && !circuit.isOpen;
    if (available === told) return;
    // Nothing to report before the first attempt has ended.
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
  // Failures arrive as events, and the client keeps trying.
  client.connect().catch(note);

  const failed = (error: unknown): never => {
    observer.failed?.();
    throw error;
  };

  return {
    async call({ operation, command, args, binary, urgent }) {
      if (client.status !== "ready") return failed(new RedisUnavailable(reason));
      if (urgent !== true && circuit.enter() > 0) return failed(new RedisUnavailable("the circuit is open"));
      const started = now();
      try {
        const sent = binary === true ? client.callBuffer(command, [...args]) : client.call(command, [...args]);
        const answer = await withTimeout(sent, commandTimeout, () => {
          throw new RedisUnavailable(`no answer within ${commandTimeout} ms`);
        });
        circuit.succeeded();
        tell();
        return answer;
      } catch (error) {
        // A restarted server has lost its scripts; that isn't a failure. The command is sent again with the script's text.
        if (isUnknownScript(error)) {
          circuit.abandoned();
          throw error;
        }
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

/** The library's own message, without the command that it includes. */
function describe(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "unknown fault";
}
