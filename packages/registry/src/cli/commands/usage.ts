import type { Command } from "../command.js";

/** Prints what the storage contains. */
export const usage: Command = {
  name: "usage",
  operands: [],
  summary: "`usage` prints how much the repositories take",
  details: [
    "Bytes that repositories share are counted once; `logical` is what they would take if they shared nothing. What no manifest refers",
    "to isn't counted, and goes with a collection. What it reads of manifests is written down, so that the next run",
    "is short, unless the storage is read-only or its files are another user's.",
  ].join("\n"),
  flags: [
    { name: "prefix", value: "name", meaning: "only the repository of this name and those below it" },
    { name: "json", meaning: "print a JSON document, with exact bytes" },
    { name: "quiet", short: "q", meaning: "print no progress" },
  ],
  run: async (invocation) => (await import("../actions/usage.js")).printUsage(invocation),
};
