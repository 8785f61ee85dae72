import pLimit from "p-limit";

/**
 * What `work` makes of each item, in their order, with at most `concurrency` running at a time. After a failure nothing
 * more is started, and it rejects when what runs has ended: no work goes on behind the caller's back.
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

/** Runs all of `work` side by side; rejects with the first failure when all have ended. */
export async function allEnded(work: readonly Promise<unknown>[]): Promise<void> {
  valuesOf(await Promise.allSettled(work));
}

function valuesOf<R>(settled: readonly PromiseSettledResult<R>[]): R[] {
  return settled.map((result) => {
    // The first rejection in order: those that weren't started come after the one that stopped them.
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
