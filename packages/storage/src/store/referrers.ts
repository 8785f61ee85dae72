import type { CallOptions, StorageDriver } from "../contract/driver.js";
import type { ReferrerStore } from "../contract/referrer-store.js";
import { revisionLink, tagCurrentLink } from "../layout/paths.js";
import type { Descriptor } from "../model/descriptor.js";
import { splitDigest, type Digest } from "../model/digest.js";
import { describeManifest } from "../model/manifest/manifest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { parseTagName, type TagName } from "../model/tag.js";
import { mapConcurrently } from "./concurrent.js";
import { hasLink, readSoundLink } from "./links.js";
import type { ManifestReader } from "./manifest-bytes.js";
import { entryBatches, readEntry } from "./referrer-entries.js";
import { manifestOf, type ReferrerIndexer } from "./referrer-indexing.js";

/** Referrers that are looked at side by side. */
const CONCURRENCY = 16;

/** Bytes of descriptors after which a page ends early: a list is itself a manifest, and no client reads larger ones. */
const MAX_PAGE_BYTES = 3 * 1024 * 1024;

/** What a repository's referrers are found with. */
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

  /** Those whom an index under the fallback tag names (distribution-spec §Enabling the Referrers API). */
  const fallback = async (subject: Digest, options: CallOptions): Promise<readonly Digest[]> => {
    const target = await readSoundLink(driver, tagCurrentLink(name, fallbackTag(subject)), options);
    if (target === undefined || !(await hasLink(driver, revisionLink(name, target), target, options))) return [];
    const stored = await reader.read(target, options);
    const index = stored && manifestOf(stored);
    return index?.kind === "index" ? index.manifests.map(({ digest }) => digest) : [];
  };

  /** How `digest` is listed: undefined unless it is here and names `subject`. The original deletes without our entries. */
  const describe = async (subject: Digest, digest: Digest, options: CallOptions): Promise<Descriptor | undefined> => {
    if (!(await hasLink(driver, revisionLink(name, digest), digest, options))) return undefined;
    const entry = await readEntry(place, subject, digest, options);
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
      let bytes = 0;
      for await (const digests of merge(listed, others)) {
        const described = await mapConcurrently(digests, CONCURRENCY, (digest) => describe(subject, digest, options));
        for (const descriptor of described) {
          if (descriptor === undefined) continue;
          if (artifactType !== undefined && descriptor.artifactType !== artifactType) continue;
          const size = JSON.stringify(descriptor).length;
          const isFull = items.length === limit || (items.length > 0 && bytes + size > MAX_PAGE_BYTES);
          if (isFull) return { items, more: true };
          items.push(descriptor);
          bytes += size;
        }
      }
      return { items, more: false };
    },
  };
}

/** The tag under which clients of registries without a referrers API kept the list (distribution-spec §Referrers Tag Schema). */
export function fallbackTag(subject: Digest): TagName {
  const { algorithm, hex } = splitDigest(subject);
  return parseTagName(`${algorithm}-${hex.slice(0, 64)}`);
}

/** Ascending `batches` with `others` put in where they belong, each digest once. */
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
    yield ascending([...batch, ...due]);
  }
  for (let at = 0; at < rest.length; at += CONCURRENCY) yield rest.slice(at, at + CONCURRENCY);
}

function ascending(digests: readonly Digest[]): readonly Digest[] {
  return [...new Set(digests)].sort((one, other) => (one < other ? -1 : 1));
}
