import type { Remark } from "@longshore/options/kind";
import type { StorageDriver } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";

/**
 * Asks `called`, a bucket or a container, for a listing and for a file. A failure is a warning: a registry starts without its
 * storage, and `verify` may run where the service can't be reached.
 */
export async function verifyBucket(
  called: string,
  open: () => Promise<StorageDriver>,
  patience: number,
): Promise<readonly Remark[]> {
  const driver = await open();
  try {
    await ask(driver, AbortSignal.timeout(patience));
    return [];
  } catch (error) {
    const message = `${called} can't be used: ${reasonOf(error, patience)}; until it can, pushes and pulls fail`;
    return [{ severity: "warning", path: [], message }];
  } finally {
    await driver.close();
  }
}

/** The service's own words, which are in the cause. */
function reasonOf(error: unknown, patience: number): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "TimeoutError") return `no answer within ${patience / 1000} s`;
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}

/** Lists first: unlike the answer to HEAD, a refusal of the listing says why. */
async function ask(driver: StorageDriver, signal: AbortSignal): Promise<void> {
  await unlessMissing(driver.list("/", { signal, limit: 1 }));
  await unlessMissing(driver.stat("/docker/registry/v2/health", { signal, fileOnly: true }));
}

async function unlessMissing(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!isStorageError(error, "PATH_NOT_FOUND")) throw error;
  }
}
