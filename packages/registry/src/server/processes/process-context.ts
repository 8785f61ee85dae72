import type { Config } from "../../config/config.js";
import type { ConfigurationSource } from "../../config/source.js";
import type { Logs } from "../../observability/open-logs.js";

/** What each process of a registry gets besides its configuration. */
export interface ProcessContext {
  readonly logs: Logs;
  readonly version: string;
  /** The process's name within the registry: `single`, `primary`, `worker-1`. */
  readonly process: string;
  /** The registry's id, the same for all its processes; distinguishes its log lines from another's. */
  readonly instance: string;
  /** Signs upload states; the same in all processes. */
  readonly secret: string;
}

/** What a registry runs with. */
export interface RunContext extends Omit<ProcessContext, "process"> {
  readonly config: Config;
  /** The source of the configuration; workers get the same. */
  readonly source: ConfigurationSource;
}

/**
 * How long exchanges may take to finish after SIGTERM if `http.draintimeout` is 0 (ms). Distribution exits at once then, in
 * the middle of pushes; this ends before the ten seconds that container engines grant.
 */
const DEFAULT_DRAIN = 8000;

/** How long exchanges in progress may take after a signal to stop (ms). */
export function drainTimeout({ http }: Config): number {
  return http.draintimeout > 0 ? http.draintimeout : DEFAULT_DRAIN;
}
