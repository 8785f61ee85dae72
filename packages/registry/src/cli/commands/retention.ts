import type { Command } from "../command.js";

/**
 * Applies `policy.retention`, now. One line for each tag goes to standard output: whether it is kept, and why. Exits with 0 when done, 1 on
 * failure and 130 if a signal ended it.
 */
export const retention: Command = {
  name: "retention",
  operands: [],
  summary: "`retention` removes tags that policy.retention doesn't keep",
  details: [
    "A registry that serves does the same on the schedule of policy.retention. Safe to run while registries are serving: a tag that is moved",
    "meanwhile stays. Space is freed by the next collection. If it is interrupted, run it again. It sends no notifications.",
  ].join("\n"),
  flags: [
    { name: "dry-run", short: "d", meaning: "only list what would be removed" },
    { name: "removed", meaning: "list only tags that aren't kept" },
    { name: "json", meaning: "print each tag as a line of JSON" },
    { name: "quiet", short: "q", meaning: "print no progress" },
  ],
  run: async (invocation) => (await import("../actions/retention.js")).applyRetention(invocation),
};
