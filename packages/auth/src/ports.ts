/** Where this room says what happened, without knowing who keeps it. Fields are flat and hold no credentials. */
export interface AuthLog {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Milliseconds since 1970, as `Date.now` has them. */
export type Clock = () => number;
