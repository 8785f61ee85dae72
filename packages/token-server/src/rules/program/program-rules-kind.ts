import { AuthError } from "@longshore/auth";
import { integer, positiveDuration } from "@longshore/options/declare";
import { commandOptions } from "../../sources/program/command-options.js";
import { declareRules } from "../declare-rules.js";

/** Decisions of an external program, by docker_auth's protocol. */
export const programRules = declareRules({
  name: "programrules",
  meaning:
    "An external program that decides, as docker_auth's `ext_authz`: it reads the request as JSON from its standard input " +
    "(`Account`, `Type`, `Name`, `Service`, `IP`, `Actions`, `Labels`) and exits with 0 (all of it), or with 1 (nothing). Any " +
    "other exit is a failure, and grants nothing.",
  options: {
    ...commandOptions("resource"),
    timeout: positiveDuration("10s", "How long it may take, including its wait in the queue."),
    concurrency: integer(8, { min: 1, max: 1024 }, "Programs that run concurrently in each process."),
  },
  choose: (options) => ({
    async verify() {
      const problem = await problemOf(options.command);
      return problem === undefined ? [] : [{ severity: "error", path: ["command"], message: problem }];
    },
    async open() {
      const reason = await problemOf(options.command);
      if (reason !== undefined) throw new AuthError({ code: "INVALID_OPTIONS", path: "programrules.command", reason });
      return (await import("./program-rules.js")).createProgramRules(options);
    },
  }),
});

async function problemOf(command: string): Promise<string | undefined> {
  return (await import("../../sources/program/find-command-problem.js")).findCommandProblem(command);
}
