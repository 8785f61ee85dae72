/** What became of an endpoint's events in this process's time; names as in the original's metrics (contract §9.2). */
export interface EndpointStats {
  readonly name: string;
  readonly pending: number;
  /** Events that it wants. */
  readonly events: number;
  readonly successes: number;
  /** Attempts that were answered with something else than success. */
  readonly failures: number;
  /** Attempts without an answer. */
  readonly errors: number;
  /** Answers by status, such as `200 OK`. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Events that it never got, by reason. */
  readonly dead: Readonly<Record<string, number>>;
}

/** Counts for one endpoint, whatever queues send to it. */
export class EndpointCounts implements EndpointStats {
  readonly name: string;
  pending = 0;
  events = 0;
  successes = 0;
  failures = 0;
  errors = 0;
  readonly statuses: Record<string, number> = {};
  readonly dead: Record<string, number> = {};

  constructor(name: string) {
    this.name = name;
  }

  status(text: string): void {
    this.statuses[text] = (this.statuses[text] ?? 0) + 1;
  }

  died(reason: string): void {
    this.dead[reason] = (this.dead[reason] ?? 0) + 1;
  }
}
