import { Resources } from "@longshore/base/resources";
import type { CopyResult } from "@longshore/mirror";
import type { Config } from "../../config/config.js";
import { runSync } from "../../copying/run-sync.js";
import { openDriverWithMiddleware } from "../../open-storage.js";
import type { Command, Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { COPY_FLAGS, runCopyCommand, type CopyContext } from "../run-copy.js";

/**
 * Copies what `proxy.sync` names, now. What was copied goes to standard output, the rest to standard error. Exits with 0 when everything is
 * there, 1 if something failed, 130 if a signal ended it.
 */
export const mirrorSync: Command = {
  name: "mirror sync",
  operands: [],
  summary: "`mirror sync` copies what proxy.sync of the configuration names",
  details: [
    "A registry that serves does the same on the schedule of proxy.sync. Only one process of those that share the storage copies at a time.",
    "If a run is interrupted, run it again: what is already present is skipped.",
  ].join("\n"),
  flags: COPY_FLAGS,
  run: (invocation) => runCopyCommand(invocation, (config, context) => sync(config, { ...invocation, ...context })),
};

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
