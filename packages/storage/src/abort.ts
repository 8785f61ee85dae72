const ABORTED = Symbol("aborted");

/**
 * Waits for `task` until `signal` aborts, then rejects with the signal's reason. What can't be cancelled goes on in the
 * background; `discard` releases what it brings too late.
 */
export async function abortable<T>(
  task: Promise<T>,
  signal: AbortSignal | undefined,
  discard?: (late: T) => unknown,
): Promise<T> {
  if (signal === undefined) return task;
  let stopListening = (): void => undefined;
  const aborted = new Promise<typeof ABORTED>((resolve) => {
    const onAbort = (): void => resolve(ABORTED);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    stopListening = () => signal.removeEventListener("abort", onAbort);
  });
  try {
    const first = await Promise.race([task, aborted]);
    if (first !== ABORTED) return first;
  } finally {
    stopListening();
  }
  task.then((late) => discard?.(late)).catch(() => undefined);
  throw reasonOf(signal);
}

/** Why `signal` aborted, as whoever aborted it said. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason;
}
