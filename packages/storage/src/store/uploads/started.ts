import type { CallOptions, StorageDriver } from "../../contract/driver.js";

/** Enough for any RFC 3339 time. */
const MAX_BYTES = 128;

/** The content of a `startedat` file: RFC 3339, UTC, whole seconds, as Distribution writes it (wire contract §5). */
export function formatStartedAt(date: Date): Uint8Array {
  return new TextEncoder().encode(date.toISOString().replace(/\.\d+Z$/, "Z"));
}

/**
 * The time in the `startedat` file at `path`, or the file's modification time if it contains none, because Distribution was
 * killed while it wrote it. Throws PATH_NOT_FOUND.
 */
export async function readStartedAt(driver: StorageDriver, path: string, options?: CallOptions): Promise<Date> {
  const bytes = await driver.read(path, { ...options, limit: MAX_BYTES });
  const date = new Date(new TextDecoder().decode(bytes));
  return Number.isNaN(date.getTime()) ? (await driver.stat(path, options)).modified : date;
}
