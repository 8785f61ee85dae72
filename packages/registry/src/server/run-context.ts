import type { Config } from "../config/config.js";
import type { ConfigurationSource } from "../config/source.js";
import { errorFields, type Log } from "../observability/log.js";
import type { Logs } from "../observability/open-logs.js";
import { onStopSignals } from "./stop-signals.js";

/** What every way of running is given. */
export interface RunContext {
  readonly config: Config;
  /** What it was made of. */
  readonly source: ConfigurationSource;
  readonly logs: Logs;
  readonly version: string;
  /** Tells this registry's log lines from another's. */
  readonly instance: string;
  /** Signs upload states; the same in all processes. */
  readonly secret: string;
}

/**
 * How long exchanges may take to finish after SIGTERM where `http.draintimeout` is 0 (ms). The original dies at once then,
 * in the middle of pushes; this ends before the ten seconds that container engines grant.
 */
const DEFAULT_DRAIN = 8000;

/** The time that exchanges under way have after a signal to stop (ms). */
export function drainTimeout(config: Config): number {
  return config.http.draintimeout > 0 ? config.http.draintimeout : DEFAULT_DRAIN;
}

/**
 * Resolves when a signal asks for a graceful stop. A second one calls `abort` and ends the process. Call it before anything
 * that takes time: process 1 of a container hears only the signals that it listens to.
 */
export function stopRequested({ config, logs }: RunContext, abort: () => void): Promise<void> {
  return new Promise((resolve) => {
    onStopSignals(
      (signal) => {
        const grace = drainTimeout(config);
        logs.log.info(`${signal}: no new connections are taken; requests under way have ${grace} ms to finish`);
        resolve();
      },
      (code) => {
        abort();
        logs.close();
        process.exit(code);
      },
    );
  });
}

/** The line that scripts wait for (contract §3.5). */
export function announce(log: Log, config: Config, address: string): void {
  log.info(`listening on ${address}${config.http.tls === undefined ? "" : ", tls"}`);
}

/** A fault that nobody handled leaves the process in an unknown state: it says so and ends, and is started anew. */
export function failLoudly(logs: Logs): void {
  const die = (kind: string, error: unknown): never => {
    const place = error instanceof Error ? /([^\s()/]+:\d+:\d+)\)?$/m.exec(error.stack ?? "")?.[1] : undefined;
    logs.log.error(`${kind}: the process ends`, { ...errorFields(error), at: place });
    logs.close();
    process.exit(70);
  };
  process.on("uncaughtException", (error) => die("unhandled fault", error));
  process.on("unhandledRejection", (error) => die("unhandled rejection", error));
}

/** Why the registry can't start or go on, in a line for a person. */
export function describeFatal(error: unknown): string {
  const { error: text } = errorFields(error);
  return error instanceof Error ? error.message : String(text);
}
