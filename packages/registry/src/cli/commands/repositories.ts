import type { Command } from "../command.js";

const QUIET = { name: "quiet", short: "q", meaning: "print no progress" };

/** Prints the repositories, one a line. */
export const repositoryList: Command = {
  name: "repository list",
  operands: [],
  summary: "`repository list` lists the repositories on the storage",
  details: "One name a line, in the catalog's order. Reads only.",
  flags: [{ name: "long", short: "l", meaning: "also print how many tags and manifests each has, between tabs" }],
  run: async (invocation) => (await import("../actions/repository-list.js")).listRepositories(invocation),
};

/** Removes a repository, once `--yes` says so. Exits with 0 when it is gone, 1 otherwise, 130 if a signal ended it. */
export const repositoryDelete: Command = {
  name: "repository delete",
  operands: ["<repository>"],
  summary: "`repository delete` deletes a repository with its tags and manifests",
  details: [
    "Prints what would be deleted, and deletes it with --yes. Safe to run while registries are serving, whether or not storage.delete.enabled",
    "lets clients delete. Repositories below it stay. Its blobs go with the next collection. If it is interrupted, run it again.",
  ].join("\n"),
  flags: [
    { name: "yes", short: "y", meaning: "delete it" },
    { name: "dry-run", short: "d", meaning: "print what would be deleted, even with --yes" },
    QUIET,
  ],
  run: async (invocation) => (await import("../actions/repository-delete.js")).deleteRepository(invocation),
};

const COPY_FLAGS = [
  { name: "overwrite", meaning: "move tags that the target has and that point to something else there" },
  { name: "dry-run", short: "d", meaning: "print which tags would be copied" },
  QUIET,
];

/** Copies a repository within the storage. Exits with 0 when all is there, 1 otherwise, 130 if a signal ended it. */
export const repositoryCopy: Command = {
  name: "repository copy",
  operands: ["<source>", "<target>"],
  summary: "`repository copy` copies a repository to another name on the same storage",
  details: [
    "Copies every tag, manifest and referrer; no bytes are copied, since blobs are shared. Safe to run while registries are serving. If it is",
    "interrupted, run it again: what is there is skipped.",
  ].join("\n"),
  flags: [
    {
      name: "tag",
      value: "pattern",
      meaning: "copy only tags of this pattern, with what they need and their referrers",
    },
    ...COPY_FLAGS,
  ],
  run: async (invocation) => (await import("../actions/repository-copy.js")).copyWithin(invocation),
};

/** Gives a repository another name. Exits like `repository copy`. */
export const repositoryRename: Command = {
  name: "repository rename",
  operands: ["<source>", "<target>"],
  summary: "`repository rename` gives a repository another name",
  details: [
    "Copies it, and deletes the old one once the new one has everything. Safe to run while registries are serving: what is pushed to the old name",
    "meanwhile moves as well. Push to the new name when it is done. If it is interrupted, run it again.",
  ].join("\n"),
  flags: COPY_FLAGS,
  run: async (invocation) => (await import("../actions/repository-copy.js")).renameWithin(invocation),
};
