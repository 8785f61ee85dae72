import { MIB } from "@longshore/base/size";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";
import { digestAt } from "../../layout/parse.js";
import { referrerDirectory, referrerLink, revisionLink, subjectDirectory } from "../../layout/paths.js";
import type { Descriptor } from "../../model/descriptor.js";
import { isDigestAlgorithm, type Digest } from "../../model/digest.js";
import { parseJsonObject } from "../../model/manifest/json.js";
import { parseDescriptor } from "../../model/manifest/parse-descriptor.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { hasLink, orUndefined } from "../shared/links.js";
import { listBatches } from "../shared/paging.js";

/** An entry contains the annotations of a manifest, and little else. */
const MAX_ENTRY_BYTES = 8 * MIB;

const encoder = new TextEncoder();

/** The repository whose entries are read or written. */
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

/** The size of the entry that lists `referrer`; 0 if it isn't listed. */
export async function entrySize(
  { name, driver }: EntryPlace,
  subject: Digest,
  referrer: Digest,
  options?: CallOptions,
): Promise<number> {
  const info = await orUndefined(driver.stat(referrerLink(name, subject, referrer), { ...options, fileOnly: true }));
  return info?.size ?? 0;
}

/** The descriptor that `referrer` is listed with; undefined if it isn't listed, or the entry is malformed. */
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

/** Removes `referrer` from the list, if it is listed. */
async function removeEntry(
  { name, driver }: EntryPlace,
  subject: Digest,
  referrer: Digest,
  options?: CallOptions,
): Promise<void> {
  await orUndefined(driver.delete(referrerDirectory(name, subject, referrer), options));
}

/**
 * Like {@link removeEntry}, for a revision that was removed. If a push restores the revision meanwhile and relies on the entry,
 * the entry exists again when this resolves.
 */
export async function removeEntryOfRemoved(
  place: EntryPlace,
  subject: Digest,
  referrer: Digest,
  options?: CallOptions,
): Promise<void> {
  const isBack = () => hasLink(place.driver, revisionLink(place.name, referrer), referrer);
  const entry = await readEntry(place, subject, referrer, options);
  if (await isBack()) return;
  await removeEntry(place, subject, referrer, options);
  // Without the client's signal: an entry that a push needs must be restored.
  if (entry !== undefined && (await isBack())) await writeEntry(place, subject, entry);
}

/** Digests listed for `subject` that come after `after`, in order, in batches of about `size`. */
export async function* entryBatches(
  { name, driver }: EntryPlace,
  subject: Digest,
  after: string | undefined,
  size: number,
  options?: CallOptions,
): AsyncGenerator<readonly Digest[], void, undefined> {
  // One look if the subject has no referrers, which is the usual case.
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
