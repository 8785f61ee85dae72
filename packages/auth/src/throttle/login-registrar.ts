/** The outcome of an attempt; `unknown` if the password couldn't be compared. */
export type LoginOutcome = "right" | "wrong" | "unknown";

/** Whether a password may be tried now. */
export interface Attempt {
  /** Milliseconds to wait before the next attempt. 0: this one may proceed, and must be settled. */
  readonly wait: number;
  /** Ends the attempt. Resolves once later attempts take it into account; never rejects. */
  readonly settle: (outcome: LoginOutcome) => Promise<void>;
}

/** Keeps the record of failed logins, for one process or for several. */
export interface LoginRegistrar {
  /** Asks for permission to try a password. Waits if as many attempts are under way as may still fail. */
  begin(account: string, remoteAddress: string | undefined): Promise<Attempt>;
}
