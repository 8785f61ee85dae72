import type { Command } from "../command.js";
import { COPY_FLAGS, JOBS, remoteFlags } from "../copy-flags.js";

/**
 * Copies repositories from another registry into this one's storage, or to a third registry. What was copied goes to standard output, the
 * rest to standard error. Exits with 0 when everything is there, 1 if something failed, 130 if a signal ended it.
 */
export const mirrorCopy: Command = {
  name: "mirror copy",
  operands: ["<source>", "<destination>"],
  summary: "`mirror copy` copies repositories from another registry",
  details: [
    "<source> is a host and a repository, such as docker.io/library/alpine:3.20. Patterns are allowed in both parts (quay.io/team/**:v*,latest);",
    "without a tag, all tags are copied. <destination> is a repository of this registry (with a pattern: the prefix of the names), `.` for",
    "the same names, or https://host/repository for another registry. Safe to run while registries are serving. If a run is interrupted, run it",
    "again: what is already present is skipped.",
  ].join("\n"),
  flags: [
    ...COPY_FLAGS,
    {
      name: "platform",
      value: "list",
      meaning: "copy only images for these platforms, such as linux/amd64,linux/arm64",
    },
    { name: "no-referrers", meaning: "leave out signatures, SBOMs and other referrers" },
    { name: "jobs", short: "j", value: "number", meaning: `concurrent transfers (default: ${JOBS})` },
    ...remoteFlags("source"),
    ...remoteFlags("destination"),
  ],
  run: async (invocation) => (await import("../actions/mirror-copy.js")).copyFromRegistry(invocation),
};
