import type { Command } from "../command.js";

/**
 * Reads and checks everything that is stored. The report goes to standard output, progress to standard error. Exits with 0 if nothing is
 * damaged, 1 if something is or the scrub failed, 130 if a signal ended it.
 */
export const scrub: Command = {
  name: "scrub",
  operands: [],
  summary: "`scrub` reads everything that is stored, and reports what is damaged",
  details: [
    "Compares blobs with their digests, and checks links, tags, what manifests refer to, and lists of referrers. Safe to run while registries",
    "are serving and during collections. If it is interrupted, the next run continues. Exits with 1 if something is damaged.",
  ].join("\n"),
  flags: [
    { name: "rate", value: "bytes", meaning: "read at most so much a second, such as 50MB; default: no limit" },
    {
      name: "quarantine",
      meaning:
        "move damaged blobs aside, so that the next push of them is taken; over object storage only with conditional writes",
    },
    {
      name: "repair",
      meaning: "repair what follows from other files: links that are cut off, lists of referrers, leftovers",
    },
    { name: "restart", meaning: "begin anew, instead of continuing a run that was interrupted" },
    { name: "json", meaning: "print the report as JSON" },
    { name: "quiet", short: "q", meaning: "print no progress" },
  ],
  run: async (invocation) => (await import("../actions/scrub.js")).scrubAll(invocation),
};
