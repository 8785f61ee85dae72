import type { CallOptions, DurabilityOptions, StorageDriver } from "../contract/driver.js";
import { isStorageError, StorageError } from "../errors.js";
import { DIGEST_ALGORITHMS, isDigest, type Digest } from "../model/digest.js";

/** No digest's text is longer; what is longer is no link. */
const MAX_LINK_BYTES = 1024;

const encoder = new TextEncoder();
/** Made once: making one takes longer than the rest of reading a link that is remembered. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The digest that the link file at `path` holds; undefined where there is no link. An empty or cut-off one counts as
 * none: that is what a crash of the original leaves behind, which wrote in place (contract §5), and whatever it was for
 * was never acknowledged. Anything else that isn't exactly a digest throws DRIVER_ERROR: somebody changed the file.
 */
export async function readLink(
  driver: StorageDriver,
  path: string,
  options?: CallOptions,
): Promise<Digest | undefined> {
  const bytes = await orUndefined(driver.read(path, { ...options, limit: MAX_LINK_BYTES }));
  if (bytes === undefined) return undefined;
  const text = decoder.decode(bytes);
  if (isDigest(text)) return text;
  if (isCutOff(text)) return undefined;
  const cause = new Error(`${path} should hold a digest and nothing else, not even a line's end`);
  throw new StorageError({ code: "DRIVER_ERROR", driver: driver.name, operation: "reading a link", path }, { cause });
}

/** As {@link readLink}, for those whom a link that somebody damaged concerns no more than one that isn't there. */
export async function readSoundLink(
  driver: StorageDriver,
  path: string,
  options?: CallOptions,
): Promise<Digest | undefined> {
  try {
    return await readLink(driver, path, options);
  } catch (error) {
    if (isStorageError(error, "DRIVER_ERROR")) return undefined;
    throw error;
  }
}

/** Whether a whole link to `target` is at `path`; costs one `stat`. */
export async function hasLink(
  driver: StorageDriver,
  path: string,
  target: Digest,
  options?: DurabilityOptions,
): Promise<boolean> {
  const info = await orUndefined(driver.stat(path, { ...options, fileOnly: true }));
  return info !== undefined && !info.isDirectory && info.size >= target.length;
}

/** Makes the file at `path` a link to `target`; durable when it resolves. */
export async function writeLink(
  driver: StorageDriver,
  path: string,
  target: Digest,
  options?: CallOptions,
): Promise<void> {
  await driver.write(path, encoder.encode(target), options);
}

/** What `work` resolves to; undefined where it finds nothing at its path. Every other failure stays one. */
export async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isStorageError(error, "PATH_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Whether `text` is how a digest's text begins. */
function isCutOff(text: string): boolean {
  return DIGEST_ALGORITHMS.some((algorithm) => {
    const start = `${algorithm}:`;
    return start.startsWith(text) || (text.startsWith(start) && /^[a-f0-9]*$/.test(text.slice(start.length)));
  });
}
