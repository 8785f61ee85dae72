/** Background work, such as filling a cache. It is bounded, and its failures are ignored. */
export interface Background {
  /** Starts `work`, or skips it if too much is already running. */
  run(work: () => Promise<unknown>): void;
  /** Resolves when nothing is running. */
  idle(): Promise<void>;
}

/** Runs at most `limit` tasks at a time. */
export function createBackground(limit: number): Background {
  const running = new Set<Promise<unknown>>();
  return {
    run(work) {
      if (running.size >= limit) return;
      const done: Promise<unknown> = work().then(
        () => running.delete(done),
        () => running.delete(done),
      );
      running.add(done);
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
