import type { Command } from "../command.js";

/**
 * Removes what no manifest refers to. Standard output is Distribution's (wire contract §10.2); what is removed, the progress
 * and the space freed go to standard error. Exits with 0 when done, 1 on failure and 130 if a signal ended it.
 */
export const garbageCollect: Command = {
  name: "garbage-collect",
  operands: [],
  summary: "`garbage-collect` deletes layers not referenced by any manifests",
  details:
    "Safe to run while registries are serving. Keeps everything that was pushed, or that a pushing client checked, within the grace period. If a run is interrupted, run it again: what it removed stays removed.",
  flags: [
    { name: "dry-run", short: "d", meaning: "do everything except remove the blobs" },
    { name: "delete-untagged", short: "m", meaning: "delete manifests that are not currently referenced via tag" },
    { name: "quiet", short: "q", meaning: "silence output" },
    {
      name: "grace-period",
      value: "duration",
      meaning: "overrides storage.maintenance.gc.graceperiod; use 0s only while nothing is being pushed",
    },
  ],
  run: async (invocation) => (await import("../actions/garbage-collect.js")).collectGarbage(invocation),
};
