import type { Command } from "../command.js";

/** Explains every finding on standard output. Exits with 1 if the registry would not start, otherwise with 0. */
export const verify: Command = {
  name: "verify",
  operands: [],
  summary: "`verify` checks a configuration without starting the registry",
  details:
    "Reads the file and the environment as `serve` does, checks every file they name, and explains what it finds.",
  flags: [],
  run: async (invocation) => (await import("../actions/verify.js")).verifyConfiguration(invocation),
};
