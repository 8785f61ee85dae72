/**
 * Runs `work` one at a time. Each call resolves with a run that began after it; calls that come during a run share the next one.
 */
export function batched<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    waiting = undefined;
    return work();
  };
  return () => {
    if (waiting === undefined) {
      waiting = running.then(begin, begin);
      running = waiting;
    }
    return waiting;
  };
}
