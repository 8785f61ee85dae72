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

  function take(source: string, [first, ...rest]: (() => void)[]): void {
    if (rest.length > 0) queues.set(source, rest);
    else queues.delete(source);
    if (first === undefined) return;
    total -= 1;
    running.add(source);
    first();
  }

  /** Behind those who came while the job of `source` ran. */
  function giveTurn(source: string): void {
    running.delete(source);
    const rest = queues.get(source);
    if (rest === undefined) return;
    queues.delete(source);
    queues.set(source, rest);
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
            giveTurn(source);
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
