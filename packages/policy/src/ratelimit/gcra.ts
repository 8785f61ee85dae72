/** So many in each window. */
export interface Rate {
  readonly limit: number;
  /** ms */
  readonly window: number;
}

/** Where a client stands after a {@link decide}. */
export interface Standing {
  readonly allowed: boolean;
  /** What is left now. */
  readonly remaining: number;
  /** How long until it would be allowed (ms); 0 if it is. */
  readonly wait: number;
  /** When all of the limit is free again: what is remembered of the client. ms, by the clock of `now`. */
  readonly freeAt: number;
}

/**
 * Decides by the generic cell rate algorithm, which remembers one number for each client: `freeAt`, undefined for a new one. All
 * of the limit is possible at once, and comes back evenly over the window. `cost` counts if it fits, or in any case if it is `due`:
 * then the client may owe more than a window. A cost of 0 is allowed while anything is left. `now` in ms.
 */
export function decide(
  freeAt: number | undefined,
  cost: number,
  { limit, window }: Rate,
  now: number,
  due = false,
): Standing {
  const each = window / limit;
  const before = Math.max(freeAt ?? now, now);
  const wait = Math.max(before + Math.max(cost, 1) * each - now - window, 0);
  // Sums of fractions: a hundredth of one more isn't one more.
  const allowed = due || wait <= each / 100;
  const after = allowed ? Math.max(before + cost * each, now) : before;
  const remaining = Math.min(Math.max(Math.floor((now + window - after) / each + 0.01), 0), limit);
  return { allowed, remaining, wait: allowed ? 0 : wait, freeAt: after };
}
