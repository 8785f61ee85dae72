import type { CallOptions, StorageDriver } from "../contract/driver.js";
import type { StoredManifest } from "../contract/manifest-store.js";
import { blobData, revisionLink, tagCurrentLink, tagsDirectory } from "../layout/paths.js";
import { DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { isTagName, type TagName } from "../model/tag.js";
import { createManifestCache, createManifestReader } from "./manifests/bytes.js";
import { revisionBatches } from "./manifests/revisions.js";
import { orUndefined, readSoundLink } from "./shared/links.js";
import { listBatches } from "./shared/paging.js";

/** When something was written (ms since 1970, by the storage's clock). */
interface Dated {
  readonly modified: number;
}

/**
 * What repositories link, as the storage has it: for those who describe content, and don't serve it. Nothing is cached, and a
 * damaged link is no link.
 */
export interface Survey {
  /** Names of tags, ascending, in batches. Some may have no link. */
  tagNames(name: RepositoryName, options?: CallOptions): AsyncIterable<readonly TagName[]>;
  /** Where a tag points, and since when. */
  tag(name: RepositoryName, tag: TagName, options?: CallOptions): Promise<(Dated & { digest: Digest }) | undefined>;
  /** Digests that have, or had, a revision, in batches. */
  revisions(name: RepositoryName, options?: CallOptions): AsyncIterable<readonly Digest[]>;
  /** Whether a revision is linked, and when a push last relied on it. */
  revision(name: RepositoryName, digest: Digest, options?: CallOptions): Promise<Dated | undefined>;
  /** A manifest's bytes, whichever repositories link it; undefined if they are missing or damaged. */
  manifest(digest: Digest, options?: CallOptions): Promise<StoredManifest | undefined>;
  /** The bytes of a blob of at most `limit` bytes. Throws DRIVER_ERROR for a larger one. */
  blob(digest: Digest, limit: number, options?: CallOptions): Promise<Uint8Array | undefined>;
}

/** Reads what the storage of `driver` has; manifests of at most `maxManifestBytes`. */
export function openSurvey(driver: StorageDriver, maxManifestBytes: number): Survey {
  const reader = createManifestReader(driver, createManifestCache(0), maxManifestBytes);
  const modifiedOf = async (path: string, options?: CallOptions): Promise<number | undefined> => {
    const info = await orUndefined(driver.stat(path, { ...options, fileOnly: true }));
    return info === undefined || info.isDirectory || info.size === 0 ? undefined : info.modified.getTime();
  };
  return {
    async *tagNames(name, options) {
      for await (const names of listBatches(driver, tagsDirectory(name), undefined, undefined, options)) {
        yield names.filter(isTagName);
      }
    },
    async tag(name, tag, options) {
      const path = tagCurrentLink(name, tag);
      // In this order: a link that is replaced in between has the later time, and is looked at again.
      const digest = await readSoundLink(driver, path, options);
      const modified = digest === undefined ? undefined : await modifiedOf(path, options);
      return digest === undefined || modified === undefined ? undefined : { digest, modified };
    },
    async *revisions(name, options) {
      for (const algorithm of DIGEST_ALGORITHMS) yield* revisionBatches(name, algorithm, driver, options);
    },
    async revision(name, digest, options) {
      const modified = await modifiedOf(revisionLink(name, digest), options);
      return modified === undefined ? undefined : { modified };
    },
    manifest: (digest, options) => reader.read(digest, options),
    blob: (digest, limit, options) => orUndefined(driver.read(blobData(digest), { ...options, limit })),
  };
}
