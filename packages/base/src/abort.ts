/**
 * Waits for `task` until `signal` aborts, then rejects with the signal's reason. The task itself can't be cancelled: it
 * continues in the background, and `discard` releases what it resolves to. Avoids `Promise.race` because every request
 * takes this path.
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

/** A failure to release has no caller left to report to. */
function release<T>(discard: ((late: T) => unknown) | undefined, late: T): void {
  void Promise.resolve(late)
    .then(discard)
    .catch(() => undefined);
}

/** Passes a rejection on unchanged: a signal's reason need not be an Error. */
function rejectWith(reject: (reason: unknown) => void, reason: unknown): void {
  reject(reason);
}

/** Resolves as soon as `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A signal that ends with its disposal, if it isn't aborted before. */
export interface ExpiringSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * A signal that is aborted with `parent`, or after `milliseconds`. Unlike those of `AbortSignal.timeout` and `AbortSignal.any`, its
 * timer and its listener are gone with its disposal: requests take this path, and most end long before their time is up.
 */
export function expiringSignal(parent: AbortSignal | undefined, milliseconds: number): ExpiringSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException("the time is up", "TimeoutError")), milliseconds);
  const onAbort = (): void => controller.abort(parent?.reason);
  if (parent?.aborted === true) onAbort();
  else parent?.addEventListener("abort", onAbort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent?.removeEventListener("abort", onAbort);
    },
  };
}
