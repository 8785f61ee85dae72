import cluster from "node:cluster";
import { randomBytes, randomUUID } from "node:crypto";
import type { Config } from "../config/config.js";
import { openLogs } from "../observability/open-logs.js";
import { runPrimary } from "./primary.js";
import { describeFatal, failLoudly } from "./run-context.js";
import { runSingle } from "./single.js";
import { runWorker } from "./worker.js";

/** What the command line knows and the configuration doesn't say. */
export interface RunOptions {
  readonly version: string;
  /** Findings of the configuration that don't stop the start. */
  readonly warnings?: readonly string[] | undefined;
}

const NO_SECRET =
  "No HTTP secret provided - generated random secret. This may cause problems with uploads if multiple registries are " +
  "behind a load-balancer. To provide a shared secret, fill in http.secret in the configuration file or set the " +
  "REGISTRY_HTTP_SECRET environment variable.";

/**
 * Serves until a signal stops it or it can't go on; resolves with the exit code. In a worker process of a registry that
 * serves with several (`http.workers`), it does the worker's part.
 */
export async function runRegistry(config: Config, options: RunOptions): Promise<number> {
  if (cluster.isWorker) return runWorker(config, options.version);
  const configured = config.http.secret?.reveal() ?? "";
  const secret = configured === "" ? randomBytes(32).toString("hex") : configured;
  const instance = randomUUID();
  const logs = openLogs(config.log, { version: options.version, instance, secrets: [secret] });
  failLoudly(logs);
  for (const warning of options.warnings ?? []) logs.log.warn(warning);
  if (configured === "") logs.log.warn(NO_SECRET);
  const context = { config, logs, instance, secret };
  try {
    return await (config.http.workers > 1 ? runPrimary(context) : runSingle(context));
  } catch (error) {
    logs.log.error(describeFatal(error));
    return 1;
  } finally {
    logs.close();
  }
}
