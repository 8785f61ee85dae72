/** One thing that a request did, or may have done, to one key. Times are in any unit that only grows. */
export interface HistoryOperation {
  readonly call: number;
  /** When the answer came; Infinity if none did: it may happen at any later time. */
  readonly end: number;
  /** Whether it may not have happened at all. */
  readonly optional?: boolean;
  /** Whether it may have happened several times between its call and its end. Only with `optional`. */
  readonly repeatable?: boolean;
  /** It can only happen while this one, of the same history, hasn't happened. */
  readonly before?: HistoryOperation;
  /** The key's state after it; undefined if its answer is impossible in this state. */
  readonly apply: (state: string) => string | undefined;
  /** What a report shows of it. */
  readonly title: string;
}

/** Steps of one search. A history that takes more is too long, or too concurrent, for this test. */
const MAX_STEPS = 2_000_000;

interface Step {
  readonly state: string;
  /** A bit for each operation that has happened, or that can't happen any more. */
  readonly done: bigint;
}

/**
 * Whether there is an order of `history`, each operation between its call and its end, that explains every answer: the search of
 * Wing and Gong, with Lowe's memory of visited states. It takes one key at a time, since linearizability holds for a set of keys
 * if it holds for each.
 */
export function isLinearizable(history: readonly HistoryOperation[], initial: string): boolean {
  // Those that end first are tried first: the order in which the answers came is usually an explanation.
  const operations = [...history].sort((a, b) => a.end - b.end);
  const bits = new Map(operations.map((operation, index) => [operation, 1n << BigInt(index)]));
  const bitOf = (operation: HistoryOperation): bigint => bits.get(operation) ?? 0n;
  const required = operations.filter(({ optional }) => optional !== true);
  const optionals = operations.filter(({ optional }) => optional === true);

  /** Marks as done each optional operation whose time is over, so that states which differ only in those are one. */
  const settle = (done: bigint): bigint => {
    let latest = -Infinity;
    for (const operation of required) if ((done & bitOf(operation)) !== 0n) latest = Math.max(latest, operation.call);
    return optionals.reduce((all, each) => (each.end < latest ? all | bitOf(each) : all), done);
  };

  const seen = new Set<string>();
  const waiting: Step[] = [{ state: initial, done: 0n }];
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    const { state, done } = step;
    const first = required.find((operation) => (done & bitOf(operation)) === 0n);
    if (first === undefined) return true;
    const next: Step[] = [];
    for (const operation of operations) {
      const { call, before, repeatable, apply } = operation;
      const bit = bitOf(operation);
      // What was called after another one's end comes after it.
      if ((done & bit) !== 0n || call > first.end) continue;
      if (before !== undefined && (done & bitOf(before)) !== 0n) continue;
      const after = apply(state);
      if (after === undefined) continue;
      const all = repeatable === true ? done : settle(done | bit);
      const key = `${after} ${all.toString(36)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > MAX_STEPS) throw new Error(`${operations.length} operations on one key are too many to judge`);
      next.push({ state: after, done: all });
    }
    waiting.push(...next.reverse());
  }
  return false;
}
