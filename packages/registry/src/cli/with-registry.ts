import { setMaxListeners } from "node:events";
import { Resources } from "@longshore/base/resources";
import { parseRepositoryName, type RepositoryName, type StorageDriver } from "@longshore/storage";
import type { Config } from "../config/config.js";
import { openDriver, openStored, type Stored } from "../open-storage.js";
import { onStopSignals } from "../server/processes/signals.js";
import type { Invocation } from "./command.js";
import { printErrors } from "./configuration.js";
import { UsageError } from "./flags.js";
import { createStatus, type Status } from "./status.js";

/** The exit code by which shells know a command that ^C ended. */
const INTERRUPTED = 130;

/** What a command that works on repositories works with. */
export interface RegistryContext extends Stored {
  readonly config: Config;
  readonly driver: StorageDriver;
  readonly status: Status;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` with the repositories on the configured storage, beside registries that serve, whose shared caches learn of
 * changes; resolves with the exit code. A fault of the storage is printed. With `changes` a storage that is set to read-only is refused;
 * with `learns` what is read of manifests is written down beside it, unless it is.
 */
export async function withRegistry(
  { configuration: { loaded }, flags, terminal }: Invocation,
  { changes, learns = false }: { readonly changes: boolean; readonly learns?: boolean },
  work: (context: RegistryContext) => Promise<number>,
): Promise<number> {
  const { config } = loaded;
  if (!config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const stop = new AbortController();
  // Many calls at once listen to it, which isn't a leak.
  setMaxListeners(0, stop.signal);
  const onSignal = (): void => stop.abort(new Error("interrupted; run it again for the rest"));
  const forget = onStopSignals(onSignal, (code) => process.exit(code));
  const status = createStatus(terminal, flags.has("quiet"), () => performance.now());
  try {
    await using opened = new Resources();
    const parts = await open(config, opened, (text) => status.line(`warning: ${text}`), { changes, learns });
    return await work({ ...parts, config, status, signal: stop.signal });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    status.line(`failed: ${error instanceof Error ? error.message : "unknown fault"}`);
    return stop.signal.aborted ? INTERRUPTED : 1;
  } finally {
    status.clear();
    forget();
  }
}

async function open(
  config: Config,
  opened: Resources,
  warn: (text: string) => void,
  { changes, learns }: { readonly changes: boolean; readonly learns: boolean },
): Promise<Stored & Pick<RegistryContext, "driver">> {
  if (changes && config.storage.maintenance.readonly.enabled) {
    throw new Error("storage.maintenance.readonly is enabled; nothing can be changed on this storage");
  }
  const driver = opened.add(await openDriver(config));
  return { driver, ...(await openStored(config, driver, opened, { warn }, { learns })) };
}

/** The repository that an operand names. Throws UsageError. */
export function repositoryOf(text: string): RepositoryName {
  try {
    return parseRepositoryName(text);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${text} is no repository`);
  }
}
