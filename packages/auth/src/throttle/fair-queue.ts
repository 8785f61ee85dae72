/** Bounds of a {@link FairQueue}. */
export interface FairQueueOptions {
  /** Jobs that run at a time. */
  readonly concurrency: number;
  /** Jobs that wait, of everybody together. */
  readonly waiting: number;
  /** Jobs that wait, of one source. */
  readonly waitingPerSource: number;
}

/** Runs jobs of many sources, one at a time of each. */
export interface FairQueue {
  /** What `job` gives; undefined, at once, when too many wait. */
  run<T>(source: string, job: () => Promise<T>): Promise<T> | undefined;
}

/** Sources take turns, so that one that asks a lot waits for itself and not before others. */
export function createFairQueue({ concurrency, waiting, waitingPerSource }: FairQueueOptions): FairQueue {
  /** In the order of turns; a source that was served goes to the end. */
  const queues = new Map<string, (() => void)[]>();
  const running = new Set<string>();
  let total = 0;

  /** The first job of `source`, whose others go to the end. */
  function take(source: string, [first, ...rest]: (() => void)[]): void {
    queues.delete(source);
    if (rest.length > 0) queues.set(source, rest);
    if (first === undefined) return;
    total -= 1;
    running.add(source);
    first();
  }

  function next(): void {
    for (const [source, queue] of [...queues]) {
      if (running.size >= concurrency) return;
      if (!running.has(source)) take(source, queue);
    }
  }

  return {
    run(source, job) {
      const startsNow = running.size < concurrency && !running.has(source);
      const queue = queues.get(source) ?? [];
      if (!startsNow && (total >= waiting || queue.length >= waitingPerSource)) return undefined;
      return new Promise((resolve, reject) => {
        const start = (): void => {
          const leave = (): void => {
            running.delete(source);
            next();
          };
          job().then(resolve, reject).finally(leave);
        };
        queue.push(start);
        queues.set(source, queue);
        total += 1;
        next();
      });
    },
  };
}
