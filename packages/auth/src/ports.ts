/** Where this room says what happened, without knowing who keeps it. Fields are flat and hold no credentials. */
export interface AuthLog {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A warning with a secret that has to be seen this once: where it is missing, `warn` may hide the secret. */
  disclose?(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** What a controller is given beside its own options. */
export interface ControllerPorts {
  readonly log: AuthLog;
  readonly clock: Clock;
  /** `http.secret`: the same in every process and replica; keys are derived from it, never used as they are. */
  readonly secret: string;
  /** The list `access:` as the configuration has it; undefined: every valid identity may do everything. */
  readonly rules?: unknown;
  /** The options of `auth.mtls` where it stands beside another type, whose identities client certificates then join. */
  readonly mtls?: unknown;
}

/** Milliseconds since 1970, as `Date.now` has them. */
export type Clock = () => number;
