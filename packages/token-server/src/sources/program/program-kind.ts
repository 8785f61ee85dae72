import { AuthError } from "@longshore/auth";
import { declareSource } from "../declare-source.js";
import { programOptions } from "./program-options.js";

/** An external program, by docker_auth's protocol. */
export const program = declareSource({
  name: "program",
  meaning:
    "An external program, as docker_auth's `ext_auth`: it reads `user password` from its standard input and exits with 0 (right), 1 (wrong) or 2 (unknown user); it may print labels as JSON.",
  options: programOptions,
  choose: (options) => ({
    limits: options,
    async verify() {
      const problem = await problemOf(options.command);
      return problem === undefined ? [] : [{ severity: "error", path: ["command"], message: problem }];
    },
    async open() {
      const reason = await problemOf(options.command);
      if (reason !== undefined) throw new AuthError({ code: "INVALID_OPTIONS", path: "program.command", reason });
      return (await import("./program-source.js")).createProgramSource(options);
    },
  }),
});

async function problemOf(command: string): Promise<string | undefined> {
  return (await import("./find-command-problem.js")).findCommandProblem(command);
}
