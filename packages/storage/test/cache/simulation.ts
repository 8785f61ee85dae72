/** Virtual time: waits end in the order of their times, and whatever follows one runs before the next ends. */
export interface Simulation {
  readonly now: () => number;
  readonly delay: (ms: number) => Promise<void>;
  /** A number in [0, 1), reproducible for a seed. */
  readonly random: () => number;
  /** Runs until nothing waits any more. */
  run(): Promise<void>;
}

export function createSimulation(seed: number): Simulation {
  const waiting: { readonly time: number; readonly order: number; readonly resolve: () => void }[] = [];
  let now = 0;
  let order = 0;
  return {
    now: () => now,
    delay: (ms) =>
      new Promise((resolve) => {
        waiting.push({ time: now + ms, order: (order += 1), resolve });
      }),
    random: mulberry(seed),
    async run() {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const next = waiting.reduce<(typeof waiting)[number] | undefined>(
          (first, each) =>
            first === undefined || each.time < first.time || (each.time === first.time && each.order < first.order)
              ? each
              : first,
          undefined,
        );
        if (next === undefined) return;
        waiting.splice(waiting.indexOf(next), 1);
        now = next.time;
        next.resolve();
      }
    },
  };
}

/** Mulberry32. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
