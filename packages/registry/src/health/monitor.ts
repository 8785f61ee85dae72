import type { HealthCheck, HealthFailures } from "./health-check.js";

/** The state of one check. */
interface CheckState {
  readonly failures: number;
  readonly successes: number;
  /** Why it counts as failed; undefined while it passes. */
  readonly failure: string | undefined;
}

const FRESH: CheckState = { failures: 0, successes: 0, failure: undefined };

/**
 * Runs checks on their intervals (wire contract §9.1): the first run comes after one interval, and until then a check
 * passes. A check counts as failed after `threshold` consecutive failures and as recovered after `successthreshold`
 * successes.
 */
export class HealthMonitor {
  readonly #checks: readonly HealthCheck[];
  readonly #onChange: (failures: HealthFailures) => void;
  readonly #failures = new Map<string, string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #stop = new AbortController();

  /** Throws if two checks have the same name, because one would hide the other. */
  constructor(checks: readonly HealthCheck[], onChange: (failures: HealthFailures) => void = () => undefined) {
    const names = checks.map((check) => check.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new Error(`health: two checks are named "${twice}"; remove one of them`);
    this.#checks = checks;
    this.#onChange = onChange;
  }

  /** The checks. */
  get names(): readonly string[] {
    return this.#checks.map((check) => check.name);
  }

  start(): void {
    for (const check of this.#checks) this.#schedule(check, FRESH);
  }

  /** Sorted by name. */
  failures(): HealthFailures {
    return Object.fromEntries([...this.#failures].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  close(): void {
    this.#stop.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #schedule(check: HealthCheck, state: CheckState): void {
    if (this.#stop.signal.aborted) return;
    const timer = setTimeout(() => {
      void this.#look(check).then((failure) => {
        const next = failure === undefined ? afterSuccess(check, state) : afterFailure(check, state, failure);
        if (!this.#stop.signal.aborted) this.#note(check.name, next.failure);
        this.#schedule(check, next);
      });
    }, check.interval);
    this.#timers.set(check.name, timer.unref());
  }

  async #look(check: HealthCheck): Promise<string | undefined> {
    try {
      await check.check(this.#stop.signal);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #note(name: string, failure: string | undefined): void {
    if (this.#failures.get(name) === failure) return;
    if (failure === undefined) this.#failures.delete(name);
    else this.#failures.set(name, failure);
    this.#onChange(this.failures());
  }
}

function afterFailure({ threshold }: HealthCheck, { failures, failure }: CheckState, reason: string): CheckState {
  const count = failures + 1;
  return { failures: count, successes: 0, failure: count >= threshold || failure !== undefined ? reason : undefined };
}

function afterSuccess({ successthreshold }: HealthCheck, { successes, failure }: CheckState): CheckState {
  const count = successes + 1;
  return { failures: 0, successes: count, failure: count >= successthreshold ? undefined : failure };
}
