import type { Command } from "../command.js";
import { COPY_FLAGS } from "../copy-flags.js";

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
  run: async (invocation) => (await import("../actions/mirror-sync.js")).syncNow(invocation),
};
