import { type Environment } from "../config/environment.js";

/** What a command may touch of its process. */
export interface Terminal {
  readonly environment: Environment;
  /** Writes to standard output, newline included by the caller. */
  out(text: string): void;
  /** Writes to standard error, newline included by the caller. */
  err(text: string): void;
  /** Whether a person sees standard error as it is written. */
  readonly isTerminal?: boolean | undefined;
}

/** What a command ends with. */
export type ExitCode = 0 | 1 | 2;
