import { Resources } from "@longshore/base/resources";
import type { CopyResult } from "@longshore/mirror";
import type { Config } from "../../config/config.js";
import { runSync } from "../../copying/run-sync.js";
import { openDriverWithMiddleware } from "../../open-storage.js";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { runCopyCommand, type CopyContext } from "../run-copy.js";

/**
 * Copies what `proxy.sync` names, now. What was copied goes to standard output, the rest to standard error. Exits with 0 when everything is
 * there, 1 if something failed, 130 if a signal ended it.
 */
export function syncNow(invocation: Invocation): Promise<number> {
  return runCopyCommand(invocation, (config, context) => sync(config, { ...invocation, ...context }));
}

async function sync(
  config: Config,
  { flags, ...context }: Pick<Invocation, "flags"> & CopyContext,
): Promise<CopyResult> {
  if (config.sync === undefined) {
    throw new UsageError("the configuration has no proxy.sync.entries, so that there is nothing to copy");
  }
  await using opened = new Resources();
  const driver = opened.add(await openDriverWithMiddleware(config, context.log));
  const { signal, observer, log } = context;
  return await runSync(config, config.sync, {
    driver,
    log,
    signal,
    observer,
    dryRun: flags.has("dry-run"),
    full: flags.has("full"),
  });
}
