import { abortable } from "@longshore/base/abort";

/** Work that several callers wait for at once. */
export interface SharedWork<T> {
  /**
   * The result of `work` under `key`, which is done once for all who ask while it is under way. A caller whose `signal` aborts
   * stops waiting; when the last one has, the work's own signal aborts.
   */
  run(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface UnderWay<T> {
  readonly answer: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** Nothing is under way at first. */
export function createSharedWork<T>(): SharedWork<T> {
  const underWay = new Map<string, UnderWay<T>>();

  function begin(key: string, work: (signal: AbortSignal) => Promise<T>): UnderWay<T> {
    const controller = new AbortController();
    const answer = work(controller.signal);
    const begun = { answer, controller, waiting: 0 };
    underWay.set(key, begun);
    const forget = (): void => {
      if (underWay.get(key) === begun) underWay.delete(key);
    };
    answer.then(forget, forget);
    return begun;
  }

  return {
    async run(key, signal, work) {
      signal.throwIfAborted();
      const shared = underWay.get(key) ?? begin(key, work);
      shared.waiting += 1;
      try {
        return await abortable(shared.answer, signal);
      } finally {
        shared.waiting -= 1;
        if (shared.waiting === 0) {
          // Whoever asks next must not join work that is being given up.
          if (underWay.get(key) === shared) underWay.delete(key);
          shared.controller.abort(signal.reason);
        }
      }
    },
  };
}
