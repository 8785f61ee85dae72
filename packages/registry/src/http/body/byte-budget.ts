/** Bytes of memory that all requests of a process share. */
export interface ByteBudget {
  /**
   * Takes `bytes`; false, taking nothing, if fewer are left. Requests that aren't `small` leave an eighth of the budget to
   * those that are.
   */
  take(bytes: number, small: boolean): boolean;
  /** Returns bytes that were taken. */
  give(bytes: number): void;
}

/** A budget of `limit` bytes. */
export function createByteBudget(limit: number): ByteBudget {
  let left = limit;
  return {
    take(bytes, small) {
      if (bytes > left - (small ? 0 : limit / 8)) return false;
      left -= bytes;
      return true;
    },
    give(bytes) {
      left = Math.min(limit, left + bytes);
    },
  };
}
