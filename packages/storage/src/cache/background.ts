/** Work that nobody waits for, such as filling a cache: bounded, and its failures are nobody's. */
export interface Background {
  /** Starts `work`, or leaves it out where too much is under way. */
  run(work: () => Promise<unknown>): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** At most `limit` pieces of work at a time. */
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
