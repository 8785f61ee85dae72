import { createDriver, isStorageError, type StorageDriver } from "@longshore/storage";
import type { Config } from "../config/config.js";
import { type Finding, warning } from "../config/findings.js";
import { revealParameters } from "../config/parameters.js";

/** How long the service may take to answer (ms). */
const PATIENCE = 10_000;

/**
 * Asks the bucket that a configuration names for a listing and for a file, and writes nothing. What goes wrong is a warning: a
 * registry starts without its storage, and this may be run where the service can't be reached.
 */
export async function checkBucket({ storage }: Config, patience = PATIENCE): Promise<Finding[]> {
  if (storage.type !== "s3" && storage.type !== "s3aws") return [];
  const driver = await createDriver(storage.type, revealParameters(storage.parameters));
  try {
    await ask(driver, AbortSignal.timeout(patience));
    return [];
  } catch (error) {
    const bucket = String(storage.parameters["bucket"]);
    const message = `the bucket ${bucket} can't be used: ${reason(error, patience)}; until it can, pushes and pulls fail`;
    return [warning(["storage", storage.type], undefined, message)];
  } finally {
    await driver.close();
  }
}

async function ask(driver: StorageDriver, signal: AbortSignal): Promise<void> {
  // The listing first: unlike the other answer, its refusal says why.
  await orNothing(driver.list("/", { signal, limit: 1 }));
  await orNothing(driver.stat("/docker/registry/v2/health", { signal, fileOnly: true }));
}

async function orNothing(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!isStorageError(error, "PATH_NOT_FOUND")) throw error;
  }
}

/** The storage's own words, which are in the cause. */
function reason(error: unknown, patience: number): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "TimeoutError") return `no answer within ${patience / 1000} s`;
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
