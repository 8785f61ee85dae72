import { AuthError, isAccountName, type PasswordCredentials } from "@longshore/auth";
import type { IdentitySource, Login } from "../../contract.js";
import { labelled, parseLabels } from "../label-answer.js";
import type { ProgramOptions } from "./program-options.js";
import { programEnvironment, runProgram, type ProgramEnd } from "./run-program.js";

/** Exit codes of docker_auth's `ext_auth`. */
const ALLOWED = 0;
const DENIED = 1;
const NO_MATCH = 2;

/** The input is `account password`: an account with a space would be another one with a longer password. */
function isReadable({ account, password }: PasswordCredentials): boolean {
  return isAccountName(account) && !/\s/.test(account) && password !== "" && !/[\n\r\0]/.test(password);
}

/** Accounts that an external program verifies, by the protocol of docker_auth's `ext_auth`. */
export function createProgramSource(options: ProgramOptions): IdentitySource {
  const { command, args, folder, maxoutput: maxOutput, labelpatterns } = options;
  const environment = programEnvironment(options.environment, process.env);

  async function run({ account, password }: PasswordCredentials, signal: AbortSignal): Promise<ProgramEnd> {
    try {
      return await runProgram(
        { command, args, folder, environment, input: `${account} ${password}`, maxOutput },
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      throw unavailable(error instanceof Error ? error.message : "unknown fault", error);
    }
  }

  function loginOf({ code, stdout }: ProgramEnd, account: string): Login {
    switch (code) {
      case ALLOWED:
        return {
          outcome: "identified",
          identity: labelled(account, parseLabels(stdout, "program"), labelpatterns),
          renewable: true,
        };
      case DENIED:
        return { outcome: "failed", reason: "the program denies the login" };
      case NO_MATCH:
        return { outcome: "unknown" };
      default:
        throw unavailable(code === undefined ? "it was killed" : `it exited with ${code}`);
    }
  }

  return {
    name: "program",
    async verify(credentials, { signal }) {
      if (!isReadable(credentials)) return { outcome: "unknown" };
      return loginOf(await run(credentials, signal), credentials.account);
    },
    close: () => Promise.resolve(),
  };
}

function unavailable(reason: string, cause?: unknown): AuthError {
  return new AuthError({ code: "UNAVAILABLE", reason: `program: ${reason}` }, { cause });
}
