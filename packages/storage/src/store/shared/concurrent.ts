import pLimit from "p-limit";

/**
 * Maps items in order, with at most `concurrency` tasks at a time. After a failure no more tasks are started, and it rejects once
 * the running ones have ended: no work continues in the background.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const limit = pLimit(concurrency);
  let failed = false;
  const settled = await Promise.allSettled(
    items.map((item) =>
      limit(async () => {
        if (failed) throw new Error("not started: an earlier one failed");
        try {
          return await work(item);
        } catch (error) {
          failed = true;
          throw error;
        }
      }),
    ),
  );
  return valuesOf(settled);
}

/** Waits until all of `work` has ended; then rejects with the first failure, if any. */
export async function allEnded(work: readonly Promise<unknown>[]): Promise<void> {
  valuesOf(await Promise.allSettled(work));
}

function valuesOf<R>(settled: readonly PromiseSettledResult<R>[]): R[] {
  return settled.map((result) => {
    // The first rejection in order: tasks that weren't started come after the one that failed.
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
