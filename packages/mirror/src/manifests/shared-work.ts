import { abortable } from "@longshore/base/abort";

/** Work that many ask for at once is done once. It isn't ended by one of them who leaves. */
export interface SharedWork<T> {
  /** What the work of `key` that is under way resolves to, or that of `work`, which begins. */
  join(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export function createSharedWork<T>(): SharedWork<T> {
  const running = new Map<string, Promise<T>>();
  return {
    join(key, work, signal) {
      const current = running.get(key);
      if (current !== undefined) return abortable(current, signal);
      const begun = work().finally(() => running.delete(key));
      // Those who wait get the error; where all have left, it is of no interest.
      begun.catch(() => undefined);
      running.set(key, begun);
      return abortable(begun, signal);
    },
  };
}
