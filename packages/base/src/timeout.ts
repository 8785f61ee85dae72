/**
 * Waits for `work` for at most `milliseconds`. After that the result is whatever `onTimeout` returns or throws; the work
 * continues in the background, and a later rejection of it is ignored. The timer never outlives the wait.
 */
export async function withTimeout<T, F = never>(
  work: Promise<T>,
  milliseconds: number,
  onTimeout: () => F,
): Promise<T | F> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<typeof EXPIRED>((resolve) => {
    timer = setTimeout(resolve, milliseconds, EXPIRED);
  });
  try {
    const first = await Promise.race([work, expired]);
    return first === EXPIRED ? onTimeout() : first;
  } finally {
    clearTimeout(timer);
  }
}

const EXPIRED = Symbol("expired");
