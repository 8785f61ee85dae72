/**
 * Waits for `task` until `signal` aborts, then rejects with the signal's reason. What can't be cancelled goes on in the
 * background; `discard` releases what it brings too late. Written without `Promise.race`: it is on every request's way.
 */
export function abortable<T>(
  task: Promise<T>,
  signal: AbortSignal | undefined,
  discard?: (late: T) => unknown,
): Promise<T> {
  if (signal === undefined) return task;
  return new Promise((resolve, reject) => {
    let waiting = true;
    const onAbort = (): void => {
      if (!waiting) return;
      waiting = false;
      try {
        signal.throwIfAborted();
      } catch (reason) {
        rejectWith(reject, reason);
      }
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    const stop = (): boolean => {
      const wasWaiting = waiting;
      waiting = false;
      signal.removeEventListener("abort", onAbort);
      return wasWaiting;
    };
    task.then(
      (value) => {
        if (stop()) resolve(value);
        else release(discard, value);
      },
      (error: unknown) => {
        if (stop()) rejectWith(reject, error);
      },
    );
  });
}

/** Nobody is left to be told when that fails. */
function release<T>(discard: ((late: T) => unknown) | undefined, late: T): void {
  void Promise.resolve(late)
    .then(discard)
    .catch(() => undefined);
}

/** Passes on what somebody else threw, which need not be an Error: a signal's reason can be anything. */
function rejectWith(reject: (reason: unknown) => void, reason: unknown): void {
  reject(reason);
}
