import { MIB } from "@longshore/base/size";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import type { ReferrerStore } from "../../contract/referrer-store.js";
import { blobData, revisionLink, tagCurrentLink } from "../../layout/paths.js";
import type { Descriptor } from "../../model/descriptor.js";
import { splitDigest, type Digest } from "../../model/digest.js";
import { describeManifest } from "../../model/manifest/manifest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { parseTagName, type TagName } from "../../model/tag.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { hasLink, orUndefined, readSoundLink } from "../shared/links.js";
import type { ManifestReader } from "../manifests/bytes.js";
import { entryBatches, entrySize, readEntry } from "./entries.js";
import { manifestOf, type ReferrerIndexer } from "./indexing.js";

/** How many referrers are checked concurrently. */
const CONCURRENCY = 16;

/** A page ends early after so many bytes of descriptors: the list is itself a manifest, and clients don't read larger ones. */
const MAX_PAGE_BYTES = 3 * MIB;

/**
 * A page ends early after so many bytes were read, however few referrers it lists: a filter that matches nothing would read
 * everything. If most referrers are listed, it ends at {@link MAX_PAGE_BYTES} before that.
 */
const MAX_READ_BYTES = 8 * MIB;

/** How many bytes are read concurrently; a larger file is read alone. */
const MAX_BYTES_AT_ONCE = MIB;

/** The least that one file counts, so that a request opens a few thousand at most, however small they are. */
const MIN_LOOK_BYTES = 4096;

/** What {@link createReferrerStore} works with. */
export interface ReferrerDependencies {
  readonly driver: StorageDriver;
  readonly reader: ManifestReader;
  readonly indexer: ReferrerIndexer;
}

/** The referrers of the repository `name` (docs/architecture.md §Referrers). */
export function createReferrerStore(
  name: RepositoryName,
  { driver, reader, indexer }: ReferrerDependencies,
): ReferrerStore {
  const place = { name, driver };

  /** The referrers in the index under the fallback tag (distribution-spec §Enabling the Referrers API). */
  const fallback = async (subject: Digest, options: CallOptions): Promise<readonly Digest[]> => {
    const target = await readSoundLink(driver, tagCurrentLink(name, fallbackTag(subject)), options);
    if (target === undefined || !(await hasLink(driver, revisionLink(name, target), target, options))) return [];
    const stored = await reader.read(target, options);
    const index = stored && manifestOf(stored);
    return index?.kind === "index" ? index.manifests.map(({ digest }) => digest) : [];
  };

  /** What {@link describe} will read for `digest`. A manifest that Distribution deleted leaves our entry behind. */
  const weigh = async (subject: Digest, digest: Digest, options: CallOptions): Promise<Look> => {
    if (!(await hasLink(driver, revisionLink(name, digest), digest, options))) {
      return { digest, source: "none", bytes: MIN_LOOK_BYTES };
    }
    const entry = await entrySize(place, subject, digest, options);
    const info =
      entry > 0 ? undefined : await orUndefined(driver.stat(blobData(digest), { ...options, fileOnly: true }));
    const bytes = Math.max(MIN_LOOK_BYTES, entry, info?.size ?? 0);
    return { digest, source: entry > 0 ? "entry" : "manifest", bytes };
  };

  /** The descriptor to list for `digest`; undefined unless it exists in this repository and names `subject`. */
  const describe = async (
    subject: Digest,
    { digest, source }: Look,
    options: CallOptions,
  ): Promise<Descriptor | undefined> => {
    if (source === "none") return undefined;
    const entry = source === "entry" ? await readEntry(place, subject, digest, options) : undefined;
    if (entry !== undefined) return entry;
    const stored = await reader.read(digest, options);
    const manifest = stored && manifestOf(stored);
    if (stored === undefined || manifest?.subject?.digest !== subject) return undefined;
    return describeManifest(manifest, digest, stored.bytes.length);
  };

  return {
    async list(subject, { after, limit, artifactType, signal } = {}) {
      const options = { signal };
      const items: Descriptor[] = [];
      if (limit === 0) return { items, more: false };
      const unlisted = (await indexer.ensure(place, options)).get(subject) ?? [];
      const others = [...unlisted, ...(await fallback(subject, options))].filter((digest) => digest > (after ?? ""));
      const listed = entryBatches(place, subject, after, CONCURRENCY, options);
      let listedBytes = 0;
      let readBytes = 0;
      let last: Digest | undefined;
      for await (const digests of merge(listed, others)) {
        const looks = await mapConcurrently(digests, CONCURRENCY, (digest) => weigh(subject, digest, options));
        for (const run of runsOf(looks)) {
          readBytes += bytesOf(run);
          if (last !== undefined && readBytes > MAX_READ_BYTES) return { items, more: true, next: last };
          const described = await mapConcurrently(run, CONCURRENCY, (look) => describe(subject, look, options));
          for (const descriptor of described) {
            if (descriptor === undefined) continue;
            if (artifactType !== undefined && descriptor.artifactType !== artifactType) continue;
            const size = JSON.stringify(descriptor).length;
            const isFull = items.length === limit || (items.length > 0 && listedBytes + size > MAX_PAGE_BYTES);
            if (isFull) return { items, more: true };
            items.push(descriptor);
            listedBytes += size;
          }
          last = run.at(-1)?.digest;
        }
      }
      return { items, more: false };
    },
  };
}

/** The tag that clients of registries without a referrers API use for the list (distribution-spec §Referrers Tag Schema). */
export function fallbackTag(subject: Digest): TagName {
  const { algorithm, hex } = splitDigest(subject);
  return parseTagName(`${algorithm}-${hex.slice(0, 64)}`);
}

/** What one referrer will be described from, and how many bytes reading it counts. */
interface Look {
  readonly digest: Digest;
  readonly source: "entry" | "manifest" | "none";
  readonly bytes: number;
}

function bytesOf(looks: readonly Look[]): number {
  return looks.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** `looks` in order, in runs of at most {@link MAX_BYTES_AT_ONCE} or of one. */
function runsOf(looks: readonly Look[]): readonly (readonly Look[])[] {
  const runs: Look[][] = [];
  let room = 0;
  for (const look of looks) {
    const run = runs.at(-1);
    if (run !== undefined && look.bytes <= room) {
      run.push(look);
      room -= look.bytes;
    } else {
      runs.push([look]);
      room = MAX_BYTES_AT_ONCE - look.bytes;
    }
  }
  return runs;
}

/** Merges the sorted `batches` with `others` in order, each digest once. */
async function* merge(
  batches: AsyncIterable<readonly Digest[]>,
  others: readonly Digest[],
): AsyncGenerator<readonly Digest[], void, undefined> {
  let rest: readonly Digest[] = ascending(others);
  for await (const batch of batches) {
    const last = batch.at(-1);
    if (last === undefined) continue;
    const due = rest.filter((digest) => digest <= last);
    rest = rest.slice(due.length);
    yield* parts(ascending([...batch, ...due]));
  }
  yield* parts(rest);
}

function* parts(digests: readonly Digest[]): Generator<readonly Digest[], void, undefined> {
  for (let at = 0; at < digests.length; at += CONCURRENCY) yield digests.slice(at, at + CONCURRENCY);
}

function ascending(digests: readonly Digest[]): readonly Digest[] {
  return [...new Set(digests)].sort((one, other) => (one < other ? -1 : 1));
}
