import type { CallOptions } from "../contract/driver.js";
import type { StoredManifest } from "../contract/manifest-store.js";
import { isStorageError } from "../errors.js";
import { referrersIndexed, revisionLink } from "../layout/paths.js";
import type { Descriptor } from "../model/descriptor.js";
import { DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import { describeManifest, type Manifest } from "../model/manifest/manifest.js";
import { parseManifest } from "../model/manifest/parse.js";
import { isManifestMediaType } from "../model/media-types.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "./concurrent.js";
import { hasLink, orUndefined } from "./links.js";
import type { ManifestReader } from "./manifest-bytes.js";
import { entrySize, writeEntry, type EntryPlace } from "./referrer-entries.js";
import { revisionBatches } from "./revisions.js";

/** Revisions that are read side by side: indexing shares the disk with requests. */
const CONCURRENCY = 4;

/** Referrers by subject that are known and couldn't be listed. */
type Unlisted = ReadonlyMap<Digest, readonly Digest[]>;

const NONE: Unlisted = new Map();

/** Brings repositories that an older registry filled up to date, each once. */
export interface ReferrerIndexer {
  /** Resolves when every revision of the repository is indexed that could be; with those that couldn't be listed. */
  ensure(place: EntryPlace, options?: CallOptions): Promise<Unlisted>;
}

/**
 * An indexer for all repositories of a process, which reads through `reader`. Several questions share one run; a second
 * process does the same work and writes the same files, which is harmless.
 */
export function createReferrerIndexer(reader: ManifestReader): ReferrerIndexer {
  const running = new Map<RepositoryName, Promise<Unlisted>>();
  return {
    async ensure(place, options) {
      const { name, driver } = place;
      if ((await orUndefined(driver.stat(referrersIndexed(name), { ...options, fileOnly: true }))) !== undefined)
        return NONE;
      // Not under one caller's signal: others wait for it too, and what it does need not be done again.
      const run = running.get(name) ?? indexRepository(place, reader).finally(() => running.delete(name));
      running.set(name, run);
      return abortable(run, options?.signal);
    },
  };
}

async function indexRepository(place: EntryPlace, reader: ManifestReader): Promise<Unlisted> {
  const { name, driver } = place;
  const unlisted = new Map<Digest, Digest[]>();
  let isComplete = true;
  let seen = 0;
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const digests of revisionBatches(name, algorithm, driver)) {
      const outcomes = await mapConcurrently(digests, CONCURRENCY, (digest) => indexRevision(digest, place, reader));
      seen += digests.length;
      for (const { state, subject, digest } of outcomes) {
        isComplete &&= state === "done";
        if (state === "unlisted" && subject) unlisted.set(subject, [...(unlisted.get(subject) ?? []), digest]);
      }
    }
  }
  // Nothing is written for a name that nobody ever pushed to, however often it is asked for.
  if (isComplete && seen > 0) await writeMarker(place);
  return unlisted;
}

interface Outcome {
  /** `unread`, `unlisted`: the storage failed; the repository isn't marked, so that the next question tries again. */
  readonly state: "done" | "unread" | "unlisted";
  readonly digest: Digest;
  readonly subject?: Digest;
}

async function indexRevision(digest: Digest, place: EntryPlace, reader: ManifestReader): Promise<Outcome> {
  const referrer = await unlessFailing(readReferrer(digest, place, reader));
  if (referrer === FAILED) return { state: "unread", digest };
  if (referrer === undefined) return { state: "done", digest };
  const { subject, descriptor } = referrer;
  // A volume that can't be written to still answers, each time from the manifests themselves.
  const listed = await unlessFailing(listOnce(place, subject, descriptor));
  return listed === FAILED ? { state: "unlisted", digest, subject } : { state: "done", digest };
}

interface Referrer {
  readonly subject: Digest;
  readonly descriptor: Descriptor;
}

/** What the revision `digest` is to its subject; undefined where it has none, or isn't there or readable. */
async function readReferrer(digest: Digest, place: EntryPlace, reader: ManifestReader): Promise<Referrer | undefined> {
  const { name, driver } = place;
  if (!(await hasLink(driver, revisionLink(name, digest), digest))) return undefined;
  const stored = await reader.read(digest);
  const manifest = stored && manifestOf(stored);
  const subject = manifest?.subject?.digest;
  if (stored === undefined || manifest === undefined || subject === undefined) return undefined;
  return { subject, descriptor: describeManifest(manifest, digest, stored.bytes.length) };
}

async function listOnce(place: EntryPlace, subject: Digest, descriptor: Descriptor): Promise<void> {
  if ((await entrySize(place, subject, descriptor.digest)) === 0) await writeEntry(place, subject, descriptor);
}

const FAILED = Symbol("the storage failed");

/** What `work` resolves to, or that the storage failed at it. */
async function unlessFailing<T>(work: Promise<T>): Promise<T | typeof FAILED> {
  try {
    return await work;
  } catch (error) {
    if (isStorageError(error, "DRIVER_ERROR")) return FAILED;
    throw error;
  }
}

async function writeMarker({ name, driver }: EntryPlace): Promise<void> {
  await unlessFailing(driver.write(referrersIndexed(name), new TextEncoder().encode("1")));
}

/** What was stored, as a manifest; undefined for schema 1 and for what can't be read as the type it is served with. */
export function manifestOf({ bytes, mediaType }: StoredManifest): Manifest | undefined {
  if (!isManifestMediaType(mediaType)) return undefined;
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return undefined;
    throw error;
  }
}

/** Waits for `work` until `signal` aborts; then rejects with its reason, and leaves `work` to those who still wait. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const ended = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted", { cause: signal.reason }));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true, signal: ended.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    ended.abort();
  }
}
