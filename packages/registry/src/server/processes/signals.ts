/** The signals that ask for a graceful stop, and the exit codes of a stop that is not waited for. */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;

/** Removes the listeners that handle signals until the server does (bin/registry.js). */
export function takeOverSignals(): void {
  for (const signal of Object.keys(EXIT_CODES)) process.removeAllListeners(signal);
}

/**
 * Calls `stop` on the first SIGTERM or SIGINT and `abort`, with the exit code that shells expect, on the second. Returns a
 * function that removes the listeners.
 */
export function onStopSignals(stop: (signal: string) => void, abort: (code: number) => void): () => void {
  takeOverSignals();
  let asked = false;
  const listen = (signal: keyof typeof EXIT_CODES): (() => void) => {
    const listener = (): void => {
      if (asked) return void abort(EXIT_CODES[signal]);
      asked = true;
      stop(signal);
    };
    process.on(signal, listener);
    return () => process.removeListener(signal, listener);
  };
  const removers = [listen("SIGTERM"), listen("SIGINT")];
  return () => {
    for (const remove of removers) remove();
  };
}

/** Calls `listener` on each SIGHUP, which ends a process that doesn't listen. */
export function onReloadSignal(listener: () => void): void {
  process.on("SIGHUP", listener);
}
