import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { digestAt } from "../layout/parse.js";
import { referrerDirectory, referrerLink, subjectDirectory } from "../layout/paths.js";
import type { Descriptor } from "../model/descriptor.js";
import { isDigestAlgorithm, type Digest } from "../model/digest.js";
import { parseJsonObject } from "../model/manifest/json.js";
import { parseDescriptor } from "../model/manifest/parse-descriptor.js";
import type { RepositoryName } from "../model/repository-name.js";
import { orUndefined } from "./links.js";
import { listBatches } from "./paging.js";

/** An entry holds a manifest's annotations, and little more. */
const MAX_ENTRY_BYTES = 8 * 1024 * 1024;

const encoder = new TextEncoder();

/** Where the entries of one repository are. */
export interface EntryPlace {
  readonly name: RepositoryName;
  readonly driver: StorageDriver;
}

/** Lists `descriptor` among those that name `subject`; durable when it resolves. */
export async function writeEntry(
  { name, driver }: EntryPlace,
  subject: Digest,
  descriptor: Descriptor,
  options?: CallOptions,
): Promise<void> {
  const bytes = encoder.encode(JSON.stringify(descriptor));
  await driver.write(referrerLink(name, subject, descriptor.digest), bytes, options);
}

/** The size of the entry that lists `referrer`; 0 where it isn't listed. */
export async function entrySize(
  { name, driver }: EntryPlace,
  subject: Digest,
  referrer: Digest,
  options?: CallOptions,
): Promise<number> {
  const info = await orUndefined(driver.stat(referrerLink(name, subject, referrer), { ...options, fileOnly: true }));
  return info?.size ?? 0;
}

/** The descriptor that `referrer` is listed with; undefined where it isn't, or where the entry can't be read as one. */
export async function readEntry(
  { name, driver }: EntryPlace,
  subject: Digest,
  referrer: Digest,
  options?: CallOptions,
): Promise<Descriptor | undefined> {
  const path = referrerLink(name, subject, referrer);
  const bytes = await orUndefined(driver.read(path, { ...options, limit: MAX_ENTRY_BYTES }));
  if (bytes === undefined) return undefined;
  try {
    const descriptor = parseDescriptor(parseJsonObject(bytes), "descriptor");
    return descriptor.digest === referrer ? descriptor : undefined;
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return undefined;
    throw error;
  }
}

/** Takes `referrer` off the list. It is fine when it isn't there. */
export async function removeEntry(
  { name, driver }: EntryPlace,
  subject: Digest,
  referrer: Digest,
  options?: CallOptions,
): Promise<void> {
  await orUndefined(driver.delete(referrerDirectory(name, subject, referrer), options));
}

/** Digests listed for `subject` that come after `after`, in order, in batches of about `size`. */
export async function* entryBatches(
  { name, driver }: EntryPlace,
  subject: Digest,
  after: string | undefined,
  size: number,
  options?: CallOptions,
): AsyncGenerator<readonly Digest[], void, undefined> {
  // One look where nobody names the subject, which is the usual answer.
  const algorithms = await orUndefined(driver.list(subjectDirectory(name, subject), options));
  for (const algorithm of algorithms?.names.filter(isDigestAlgorithm) ?? []) {
    const prefix = `${algorithm}:`;
    const isInside = after?.startsWith(prefix) === true;
    if (after !== undefined && after > prefix && !isInside) continue;
    const startAfter = isInside ? after.slice(prefix.length) : undefined;
    const directory = `${subjectDirectory(name, subject)}/${algorithm}`;
    for await (const names of listBatches(driver, directory, startAfter, size, options)) {
      yield names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined);
    }
  }
}
