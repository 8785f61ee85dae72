/** Counts the time that is spent waiting for a sender. */
export interface StallWatch {
  /** Waits for `work`, one at a time. Throws what `onStall` gives when all waits together have taken too long. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Begins to count anew. */
  restart(): void;
  close(): void;
}

/**
 * A watch that ends the wait during which `limit` ms of waiting are exceeded. It has one timer for all waits: a timer for each chunk of a
 * blob costs more than the chunk's way through this program.
 */
export function createStallWatch(limit: number, onStall: () => Error): StallWatch {
  let waited = 0;
  let began: number | undefined;
  let fail: ((error: Error) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  const spent = (): number => waited + (began === undefined ? 0 : performance.now() - began);
  const arm = (): void => {
    timer = setTimeout(look, Math.max(1, limit - spent()));
  };
  const look = (): void => {
    timer = undefined;
    if (fail === undefined) return;
    if (spent() >= limit) fail(onStall());
    else arm();
  };
  const settle = (): void => {
    if (began !== undefined) waited += performance.now() - began;
    began = undefined;
    fail = undefined;
  };

  return {
    during: (work) =>
      new Promise((resolve, reject) => {
        began = performance.now();
        fail = (error) => {
          settle();
          reject(error);
        };
        if (timer === undefined) arm();
        work.then(
          (value) => {
            settle();
            resolve(value);
          },
          (error: unknown) => {
            settle();
            reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      }),
    restart() {
      waited = 0;
    },
    close() {
      clearTimeout(timer);
      timer = undefined;
      fail = undefined;
    },
  };
}
