/** The deliveries to an endpoint since this process started, named as in Distribution's metrics (wire contract §9.2). */
export interface EndpointStats {
  readonly name: string;
  readonly pending: number;
  /** Events for this endpoint. */
  readonly events: number;
  readonly successes: number;
  /** Attempts with an unsuccessful response. */
  readonly failures: number;
  /** Attempts without a response. */
  readonly errors: number;
  /** Responses by status, such as `200 OK`. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Events that were never delivered, by reason. */
  readonly dead: Readonly<Record<string, number>>;
}

/** The counts of one endpoint, across all queues that send to it. */
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
