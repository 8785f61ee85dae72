import { KIB } from "@longshore/base/size";
import type { CallOptions, DurabilityOptions, StorageDriver } from "../../contract/driver.js";
import { isStorageError, StorageError } from "../../errors.js";
import { DIGEST_ALGORITHMS, isDigest, parseDigest, type Digest } from "../../model/digest.js";

/** More than any digest needs. */
const MAX_LINK_BYTES = KIB;

const encoder = new TextEncoder();
/** Created once: creating one takes longer than reading a cached link. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The digest in the link file at `path`; undefined if there is no link. A file that is cut off, that a power loss filled with
 * NULs, or that has a line end after the digest, which no registry writes, counts as none: its content is then pushed again.
 * Anything else that isn't exactly a digest throws DRIVER_ERROR: the file was modified.
 */
export async function readLink(
  driver: StorageDriver,
  path: string,
  options?: DurabilityOptions,
): Promise<Digest | undefined> {
  const bytes = await orUndefined(driver.read(path, linkOptions(options)));
  if (bytes === undefined) return undefined;
  const text = decoder.decode(bytes);
  if (isDigest(text)) return text;
  if (isCutOff(text)) return undefined;
  throw notALink(driver, path);
}

function notALink(driver: StorageDriver, path: string): StorageError {
  const cause = new Error(`${path} should hold a digest and nothing else`);
  return new StorageError({ code: "DRIVER_ERROR", driver: driver.name, operation: "reading a link", path }, { cause });
}

/**
 * Like {@link readLink}, for a collector, which must keep whatever a damaged link may refer to: a digest with a line end still
 * counts, and a file of NULs throws DRIVER_ERROR.
 */
export async function readLinkToKeep(
  driver: StorageDriver,
  path: string,
  options?: DurabilityOptions,
): Promise<Digest | undefined> {
  const bytes = await orUndefined(driver.read(path, { ...options, limit: MAX_LINK_BYTES }));
  if (bytes === undefined) return undefined;
  const text = decoder.decode(bytes);
  if (!text.includes("\0"))
    return isDigest(text.trimEnd()) ? parseDigest(text.trimEnd()) : readLink(driver, path, options);
  throw notALink(driver, path);
}

/** Like {@link readLink}, for callers that treat a damaged link like a missing one. */
export async function readSoundLink(
  driver: StorageDriver,
  path: string,
  options?: DurabilityOptions,
): Promise<Digest | undefined> {
  try {
    return await readLink(driver, path, options);
  } catch (error) {
    if (isStorageError(error, "DRIVER_ERROR")) return undefined;
    throw error;
  }
}

/** Whether there is a complete link to `target` at `path`; costs one `stat`. */
export async function hasLink(
  driver: StorageDriver,
  path: string,
  target: Digest,
  options?: DurabilityOptions,
): Promise<boolean> {
  const info = await orUndefined(driver.stat(path, fileOptions(options)));
  return info !== undefined && !info.isDirectory && info.size >= target.length;
}

/*
 * Options of calls that the driver may answer from memory. The signal is asked for only if it waits: making one costs more than what is
 * remembered. To spread them would ask for it.
 */

function linkOptions(options: DurabilityOptions | undefined): DurabilityOptions & { readonly limit: number } {
  return {
    durable: options?.durable,
    limit: MAX_LINK_BYTES,
    get signal() {
      return options?.signal;
    },
  };
}

/** Options of a look at what can only be a file. */
export function fileOptions(options: DurabilityOptions | undefined): DurabilityOptions & { readonly fileOnly: true } {
  return {
    durable: options?.durable,
    fileOnly: true,
    get signal() {
      return options?.signal;
    },
  };
}

/** Writes a link to `target` at `path`; durable when it resolves. */
export async function writeLink(
  driver: StorageDriver,
  path: string,
  target: Digest,
  options?: CallOptions,
): Promise<void> {
  await driver.write(path, encoder.encode(target), options);
}

/** The result of `work`; undefined if it fails with PATH_NOT_FOUND. Other failures are passed on. */
export async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isStorageError(error, "PATH_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Whether `text` is what a crash may leave of a link: the beginning of a digest, NULs, or a digest with a line end. */
function isCutOff(text: string): boolean {
  if (/^\0+$/.test(text) || (/\r?\n$/.test(text) && isDigest(text.trimEnd()))) return true;
  return DIGEST_ALGORITHMS.some((algorithm) => {
    const start = `${algorithm}:`;
    return start.startsWith(text) || (text.startsWith(start) && /^[a-f0-9]*\0*$/.test(text.slice(start.length)));
  });
}
