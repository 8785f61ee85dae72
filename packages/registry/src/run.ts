import { aborted } from "@longshore/base/abort";
import { Resources } from "@longshore/base/resources";
import { secretsIn } from "@longshore/options/secret";
import { randomBytes, randomUUID } from "node:crypto";
import { composeRegistry } from "./compose.js";
import type { Config } from "./config/config.js";
import type { ConfigurationSource } from "./config/source.js";
import { openLogs } from "./observability/open-logs.js";
import { describeFatal, failLoudly } from "./server/processes/faults.js";
import { drainTimeout, type RunContext } from "./server/processes/process-context.js";
import { onReloadSignal, onStopSignals } from "./server/processes/signals.js";

/** What the command line adds to the configuration. */
export interface RunOptions {
  readonly version: string;
  /** The source of the configuration: all workers, including later ones, get the same. */
  readonly source: ConfigurationSource;
  /** Findings of the configuration that don't prevent the start. */
  readonly warnings?: readonly string[] | undefined;
}

const NO_SECRET =
  "No HTTP secret provided - generated random secret. This may cause problems with uploads if multiple registries are " +
  "behind a load-balancer. To provide a shared secret, fill in http.secret in the configuration file or set the " +
  "REGISTRY_HTTP_SECRET environment variable.";

/**
 * Serves with `http.workers` processes until a signal stops it or it can't continue; resolves with the exit code. Workers
 * run run-worker.ts.
 */
export async function runRegistry(config: Config, { version, source, warnings = [] }: RunOptions): Promise<number> {
  const configured = config.http.secret?.reveal() ?? "";
  const secret = configured === "" ? randomBytes(32).toString("hex") : configured;
  const instance = randomUUID();
  const logs = openLogs(config.log, { version, instance, secrets: [secret, ...secretsIn(config)] });
  failLoudly(logs);
  for (const warning of warnings) logs.log.warn(warning);
  if (configured === "") logs.log.warn(NO_SECRET);
  try {
    await serveUntilStopped({ config, source, logs, version, instance, secret });
    return 0;
  } catch (error) {
    logs.log.error(describeFatal(error));
    return 1;
  } finally {
    logs.close();
  }
}

async function serveUntilStopped(context: RunContext): Promise<void> {
  const { config, logs } = context;
  // Before anything that takes time: process 1 of a container only gets signals that it listens for.
  const stop = listenForStop(context);
  const registry = await composeRegistry(context, stop.signal);
  await using opened = new Resources();
  opened.add(registry);
  stop.onKill(() => registry.kill());
  // Before the listening line: a script that waits for it may send the signal, which would end a process without a listener.
  onReloadSignal(() => registry.reload());
  const address = await registry.start();
  // The line that scripts wait for (wire contract §3.5).
  if (address !== undefined) logs.log.info(`listening on ${address}${config.http.tls === undefined ? "" : ", tls"}`);
  await aborted(stop.signal);
  await registry.stop();
}

/** The effects of signals. */
interface StopRequests {
  /** Aborted by the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Calls `action` before a second one ends the process at once. */
  onKill(action: () => void): void;
}

function listenForStop({ config, logs }: RunContext): StopRequests {
  const stop = new AbortController();
  let kill = (): void => undefined;
  onStopSignals(
    (signal) => {
      const grace = drainTimeout(config);
      logs.log.info(`${signal}: no new connections are accepted; requests in progress have ${grace} ms to finish`);
      stop.abort(new Error("the registry stops"));
    },
    (code) => {
      kill();
      logs.close();
      process.exit(code);
    },
  );
  return { signal: stop.signal, onKill: (action) => void (kill = action) };
}
