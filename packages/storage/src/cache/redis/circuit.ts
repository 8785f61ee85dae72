/** Failures in a row after which nobody waits for the other side any more. */
const THRESHOLD = 5;

/** Between two attempts while it is open (ms). */
const PAUSE = 1000;

/** Keeps callers from waiting, one after the other, for somebody who doesn't answer. */
export interface Circuit {
  readonly isOpen: boolean;
  /** Whether a call may be made: while open, one for each pause. */
  admits(): boolean;
  succeeded(): void;
  failed(): void;
}

/** A closed circuit. `now` in ms. */
export function createCircuit(now: () => number): Circuit {
  let failures = 0;
  let next = 0;
  return {
    get isOpen() {
      return failures >= THRESHOLD;
    },
    admits() {
      if (failures < THRESHOLD) return true;
      if (now() < next) return false;
      next = now() + PAUSE;
      return true;
    },
    succeeded() {
      failures = 0;
    },
    failed() {
      failures += 1;
      if (failures >= THRESHOLD) next = now() + PAUSE;
    },
  };
}
