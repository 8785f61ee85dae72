import { abortable } from "@longshore/base/abort";
import type { CallOptions } from "../../contract/driver.js";
import type { StoredManifest } from "../../contract/manifest-store.js";
import { isStorageError } from "../../errors.js";
import { referrersIndexed, revisionLink } from "../../layout/paths.js";
import type { Descriptor } from "../../model/descriptor.js";
import { DIGEST_ALGORITHMS, type Digest } from "../../model/digest.js";
import { describeManifest, type Manifest } from "../../model/manifest/manifest.js";
import { parseManifest } from "../../model/manifest/parse.js";
import { isManifestMediaType } from "../../model/media-types.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { hasLink, orUndefined } from "../shared/links.js";
import type { ManifestReader } from "../manifests/bytes.js";
import { entrySize, writeEntry, type EntryPlace } from "./entries.js";
import { revisionBatches } from "../manifests/revisions.js";

/** How many revisions are read concurrently: indexing shares the disk with requests. */
const CONCURRENCY = 4;

/** Known referrers, by subject, whose entries couldn't be written. */
type Unlisted = ReadonlyMap<Digest, readonly Digest[]>;

const NONE: Unlisted = new Map();

/** Indexes the referrers of repositories that were filled by Distribution, each once. */
export interface ReferrerIndexer {
  /** Resolves when every readable revision of the repository is indexed, to those whose entries couldn't be written. */
  ensure(place: EntryPlace, options?: CallOptions): Promise<Unlisted>;
}

/**
 * An indexer for all repositories of a process, which reads through `reader`. Concurrent callers share one run; a second process
 * does the same work and writes the same files, which is harmless.
 */
export function createReferrerIndexer(reader: ManifestReader): ReferrerIndexer {
  const running = new Map<RepositoryName, Promise<Unlisted>>();
  return {
    async ensure(place, options) {
      const { name, driver } = place;
      if ((await orUndefined(driver.stat(referrersIndexed(name), { ...options, fileOnly: true }))) !== undefined)
        return NONE;
      // Without the caller's signal: others wait for it as well, and its work need not be repeated.
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
  // Nothing is written for names that were never pushed to, however often they are requested.
  if (isComplete && seen > 0) await writeMarker(place);
  return unlisted;
}

interface Outcome {
  /** `unread`, `unlisted`: the storage failed; the repository isn't marked as indexed, so the next request tries again. */
  readonly state: "done" | "unread" | "unlisted";
  readonly digest: Digest;
  readonly subject?: Digest;
}

async function indexRevision(digest: Digest, place: EntryPlace, reader: ManifestReader): Promise<Outcome> {
  const referrer = await unlessFailing(readReferrer(digest, place, reader));
  if (referrer === FAILED) return { state: "unread", digest };
  if (referrer === undefined) return { state: "done", digest };
  const { subject, descriptor } = referrer;
  // On a read-only volume, referrers are found by reading all manifests each time.
  const listed = await unlessFailing(listOnce(place, subject, descriptor));
  return listed === FAILED ? { state: "unlisted", digest, subject } : { state: "done", digest };
}

interface Referrer {
  readonly subject: Digest;
  readonly descriptor: Descriptor;
}

/** Reads the revision `digest` as a referrer; undefined if it has no subject, doesn't exist or is unreadable. */
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

/** The result of `work`, or FAILED if the storage failed. */
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

/** Parses a stored manifest; undefined for schema 1, and if it isn't valid for the type that it is served with. */
export function manifestOf({ bytes, mediaType }: StoredManifest): Manifest | undefined {
  if (!isManifestMediaType(mediaType)) return undefined;
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return undefined;
    throw error;
  }
}
