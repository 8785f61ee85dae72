import type { Environment } from "../config/environment.js";

/** The parts of its process that a command may use. */
export interface Terminal {
  readonly environment: Environment;
  /** Writes to standard output; the caller includes the newline. */
  out(text: string): void;
  /** Writes to standard error; the caller includes the newline. */
  err(text: string): void;
  /** Whether standard error is a terminal. */
  readonly isTerminal?: boolean | undefined;
}

/** The exit code of a command. */
export type ExitCode = 0 | 1 | 2;
