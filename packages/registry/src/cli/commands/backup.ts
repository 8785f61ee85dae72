import type { Command } from "../command.js";

const QUIET = { name: "quiet", short: "q", meaning: "print no progress" };

/** Copies everything to another storage. Exits with 0 when all is there, 1 if something isn't, 130 if a signal ended it. */
export const backup: Command = {
  name: "backup",
  operands: ["<target>"],
  summary: "`backup` copies all repositories to a folder or to another storage, while registries serve",
  details: [
    "<target> is a folder, or the configuration (.yml) of another storage, such as a bucket; environment variables don't apply to that one. What is there",
    "already isn't copied again. It can also be a new tar file (.tar), or - for a tar on standard output: that is always a full copy, and reads each blob twice. A registry can serve the copy as it is. If a run is interrupted, run it again. Personal access tokens and signing",
    "keys aren't copied, nor is what a pull-through cache holds.",
  ].join("\n"),
  flags: [{ name: "mirror", meaning: "also remove from the target what this registry doesn't have any more" }, QUIET],
  run: async (invocation) => (await import("../actions/backup.js")).backUp(invocation),
};

/** Copies everything back. Exits like `backup`. */
export const restore: Command = {
  name: "restore",
  operands: ["<source>"],
  summary: "`restore` copies all repositories from a backup, and verifies them",
  details:
    "<source> is a folder or the configuration (.yml) of a storage, as for `backup`, or a tar file (.tar), or - for a tar on standard input, which is unpacked below TMPDIR first. Each blob is hashed. A storage that has repositories is refused without --merge. If a run is interrupted, run it again with --merge.",
  flags: [
    {
      name: "merge",
      meaning: "restore into a storage that has repositories: tags of both point where the backup's do",
    },
    QUIET,
  ],
  run: async (invocation) => (await import("../actions/backup.js")).restoreFrom(invocation),
};
