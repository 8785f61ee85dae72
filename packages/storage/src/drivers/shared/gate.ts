/** Lets a bounded number of tasks run at once; others wait their turn in order. */
export interface Gate {
  /** Enters if there is room. A caller that entered must leave. */
  tryEnter(): boolean;
  leave(): void;
  /** Enters when it is the caller's turn. One whose `signal` aborts leaves the queue, with the signal's reason. */
  enter(signal: AbortSignal | undefined): Promise<void>;
}

/** A gate for `limit` tasks. */
export function createGate(limit: number): Gate {
  const queue = new Set<() => void>();
  let running = 0;

  const leave = (): void => {
    const next = queue.values().next();
    if (next.done === true) running -= 1;
    else {
      queue.delete(next.value);
      next.value();
    }
  };

  const tryEnter = (): boolean => {
    if (running >= limit) return false;
    running += 1;
    return true;
  };

  const enter = async (signal: AbortSignal | undefined): Promise<void> => {
    let stopListening = (): void => undefined;
    const admitted = await new Promise<boolean>((resolve) => {
      const admit = (): void => resolve(true);
      queue.add(admit);
      if (signal === undefined) return;
      const onAbort = (): void => {
        // A caller that was already admitted has left the queue and keeps its place.
        if (queue.delete(admit)) resolve(false);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      stopListening = () => signal.removeEventListener("abort", onAbort);
    });
    stopListening();
    if (!admitted) signal?.throwIfAborted();
  };

  return { tryEnter, leave, enter };
}
