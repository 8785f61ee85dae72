import type { HealthCheck, HealthFailures } from "./check.js";

/**
 * Runs checks on their intervals (contract §9.1): the first look comes after one interval, until then all is well; a
 * check counts as failed after `threshold` failures in a row and as recovered after one success.
 */
export class HealthMonitor {
  readonly #checks: readonly HealthCheck[];
  readonly #onChange: (failures: HealthFailures) => void;
  readonly #failures = new Map<string, string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #stop = new AbortController();

  /** Throws where two checks have one name: one would hide the other. */
  constructor(checks: readonly HealthCheck[], onChange: (failures: HealthFailures) => void = () => undefined) {
    const names = checks.map((check) => check.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new Error(`health: two checks are named "${twice}"; remove one of them`);
    this.#checks = checks;
    this.#onChange = onChange;
  }

  start(): void {
    for (const check of this.#checks) this.#schedule(check, 0);
  }

  /** Sorted by name. */
  failures(): HealthFailures {
    return Object.fromEntries([...this.#failures].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  stop(): void {
    this.#stop.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #schedule(check: HealthCheck, failed: number): void {
    if (this.#stop.signal.aborted) return;
    const timer = setTimeout(() => {
      void this.#look(check).then((failure) => {
        const count = failure === undefined ? 0 : failed + 1;
        if (!this.#stop.signal.aborted) this.#note(check.name, count >= check.threshold ? failure : undefined);
        this.#schedule(check, count);
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
