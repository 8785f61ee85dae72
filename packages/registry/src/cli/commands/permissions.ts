import type { Command } from "../command.js";

/** Lists what keeps the user who runs it from serving. Exits with 0 if nothing does, otherwise with 1. */
export const permissions: Command = {
  name: "permissions",
  operands: [],
  summary: "`permissions` says what keeps this user from serving with a configuration",
  details:
    "Looks at the files and directories that the configuration names, a sample of those on a storage.filesystem, and the ports. Changes nothing. The image asks it as its user before it gives up root.",
  flags: [],
  run: async (invocation) => (await import("../actions/permissions.js")).checkPermissions(invocation),
};
