/**
 * A circuit breaker. After `threshold` failures in a row it refuses every call for a while; then it admits a single call
 * as a trial, whose outcome decides.
 */
export interface Circuit {
  /** Whether the last `threshold` calls failed, and none has succeeded since. */
  readonly isOpen: boolean;
  /** 0: make the call, and report its outcome. Otherwise the call is refused; try again after so many milliseconds. */
  enter(): number;
  succeeded(): void;
  failed(): void;
  /** The call ended without an outcome, for example because its caller gave up. */
  abandoned(): void;
}

/** Settings of a {@link Circuit}; times in milliseconds. */
export interface CircuitSettings {
  /** Failures in a row that open the circuit; 0: it never opens. */
  readonly threshold: number;
  /** How long calls are refused before the next trial. */
  readonly pause: number;
  readonly now: () => number;
}

/** A closed circuit. */
export function createCircuit({ threshold, pause, now }: CircuitSettings): Circuit {
  let failures = 0;
  let openUntil: number | undefined;
  let onTrial = false;
  return {
    get isOpen() {
      return openUntil !== undefined;
    },
    enter() {
      if (openUntil === undefined) return 0;
      const left = openUntil - now();
      if (left > 0) return left;
      if (onTrial) return pause;
      onTrial = true;
      return 0;
    },
    succeeded() {
      failures = 0;
      openUntil = undefined;
      onTrial = false;
    },
    failed() {
      failures += 1;
      onTrial = false;
      if (threshold > 0 && failures >= threshold) openUntil = now() + pause;
    },
    abandoned() {
      onTrial = false;
    },
  };
}
