import type { CreateOwnTokens } from "./own-tokens.js";
import type { Records } from "./records.js";
import type { LoginRegistrar } from "./throttle/login-registrar.js";

/** The log of this package. Fields are flat and hold no credentials. */
export interface AuthLog {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A warning with a secret that must be shown this once; without this method `warn` is used, which may redact it. */
  disclose?(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** What a controller needs beside its own options. */
export interface ControllerPorts {
  readonly log: AuthLog;
  /**
   * Where problems in files are reported; undefined means `log`. All workers read the same files, and one of them reports
   * what is wrong in them.
   */
  readonly fileLog?: AuthLog | undefined;
  readonly clock: Clock;
  /** `http.secret`: the same in every process and replica; keys are derived from it, and it is never used as a key itself. */
  readonly secret: string;
  /** The record of failed logins that all processes share; undefined if this is the only process. */
  readonly logins?: LoginRegistrar | undefined;
  /** The list `access:` as the configuration has it; undefined lets every valid identity do everything. */
  readonly rules?: unknown;
  /** Issues the registry's own tokens; undefined where none can be issued: rules for anonymous clients are refused then. */
  readonly ownTokens?: CreateOwnTokens | undefined;
  /** Undefined where nothing can be kept: what needs records says so. */
  readonly records?: Records | undefined;
}

/** Milliseconds since 1970, as `Date.now` has them. */
export type Clock = () => number;
