import type { CallOptions, StorageDriver } from "../contract/driver.js";

/** Room for any RFC 3339 time; what is longer is none. */
const MAX_BYTES = 128;

/** A `startedat` file's bytes: RFC 3339, UTC, whole seconds, as the original writes it (contract §5). */
export function formatStartedAt(date: Date): Uint8Array {
  return new TextEncoder().encode(date.toISOString().replace(/\.\d+Z$/, "Z"));
}

/**
 * The time that the `startedat` file at `path` holds; that of the file itself where it holds none, since the original could
 * be killed while it wrote. Throws PATH_NOT_FOUND.
 */
export async function readStartedAt(driver: StorageDriver, path: string, options?: CallOptions): Promise<Date> {
  const bytes = await driver.read(path, { ...options, limit: MAX_BYTES });
  const date = new Date(new TextDecoder().decode(bytes));
  return Number.isNaN(date.getTime()) ? (await driver.stat(path, options)).modified : date;
}
