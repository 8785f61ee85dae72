import { AuthError } from "@longshore/auth";
import pLimit from "p-limit";
import type { RuleSource } from "../../contract.js";
import { externalQuestion } from "../external-question.js";
import type { CommandOptions } from "../../sources/program/command-options.js";
import { programEnvironment, runProgram } from "../../sources/program/run-program.js";

/** What {@link createProgramRules} needs; `timeout` in milliseconds. */
export interface ProgramRulesOptions extends CommandOptions {
  readonly timeout: number;
  readonly concurrency: number;
}

const ALL = 0;
const NOTHING = 1;

/** What it prints isn't read. */
const MAX_OUTPUT = 64 * 1024;
/** Decisions that may wait for their turn. */
const MOST_WAITING = 1000;

/** Decisions of an external program, a process for each. */
export function createProgramRules(options: ProgramRulesOptions): RuleSource {
  const { command, args, folder, timeout, concurrency } = options;
  const environment = programEnvironment(options.environment, process.env);
  const turn = pLimit(concurrency);

  async function run(input: string, signal: AbortSignal): Promise<number | undefined> {
    try {
      return (await runProgram({ command, args, folder, environment, input, maxOutput: MAX_OUTPUT }, signal)).code;
    } catch (error) {
      throw unavailable(error instanceof Error ? error.message : "unknown fault", error);
    }
  }

  return {
    name: "programrules",
    async decide(subject, resource, signal) {
      if (turn.pendingCount >= MOST_WAITING) throw unavailable("too many decisions wait for it");
      const within = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
      const code = await turn(() => run(JSON.stringify(externalQuestion(subject, resource)), within));
      switch (code) {
        case ALL:
          return { actions: [...resource.actions].sort(), entry: 0 };
        case NOTHING:
          return { actions: [], entry: 0 };
        default:
          throw unavailable(code === undefined ? "it was killed" : `it exited with ${code}`);
      }
    },
    close: () => Promise.resolve(),
  };
}

function unavailable(reason: string, cause?: unknown): AuthError {
  return new AuthError({ code: "UNAVAILABLE", reason: `programrules: ${reason}` }, { cause });
}
