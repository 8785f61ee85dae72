import { randomBytes, randomUUID } from "node:crypto";
import type { Config } from "../config/config.js";
import { secretsIn } from "../config/secret.js";
import type { ConfigurationSource } from "../config/source.js";
import { openLogs } from "../observability/open-logs.js";
import { runPrimary } from "./primary.js";
import { describeFatal, failLoudly } from "./run-context.js";
import { runSingle } from "./single.js";

/** What the command line knows and the configuration doesn't say. */
export interface RunOptions {
  readonly version: string;
  /** What the configuration was made of: workers, also those that come later, are given the same. */
  readonly source: ConfigurationSource;
  /** Findings of the configuration that don't stop the start. */
  readonly warnings?: readonly string[] | undefined;
}

const NO_SECRET =
  "No HTTP secret provided - generated random secret. This may cause problems with uploads if multiple registries are " +
  "behind a load-balancer. To provide a shared secret, fill in http.secret in the configuration file or set the " +
  "REGISTRY_HTTP_SECRET environment variable.";

/**
 * Serves, with as many processes as `http.workers` says, until a signal stops it or it can't go on; resolves with the exit
 * code. What a worker does is in worker.ts.
 */
export async function runRegistry(config: Config, options: RunOptions): Promise<number> {
  const configured = config.http.secret?.reveal() ?? "";
  const secret = configured === "" ? randomBytes(32).toString("hex") : configured;
  const instance = randomUUID();
  const logs = openLogs(config.log, { version: options.version, instance, secrets: [secret, ...secretsIn(config)] });
  failLoudly(logs);
  for (const warning of options.warnings ?? []) logs.log.warn(warning);
  if (configured === "") logs.log.warn(NO_SECRET);
  const { source, version } = options;
  const context = { config, source, logs, version, instance, secret };
  try {
    return await (config.http.workers > 1 ? runPrimary(context) : runSingle(context));
  } catch (error) {
    logs.log.error(describeFatal(error));
    return 1;
  } finally {
    logs.close();
  }
}
