import type { LinkCache } from "../contract/caches.js";
import type { CallOptions } from "../contract/driver.js";
import type { ManifestStore, StoredManifest } from "../contract/manifest-store.js";
import { isStorageError, StorageError } from "../errors.js";
import { layerLink, revisionDirectory, revisionLink, tagCurrentLink } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import { DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED } from "../model/media-types.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";
import { mapConcurrently } from "./concurrent.js";
import { manifestLinkName, tagLinkName } from "./link-names.js";
import { hasLink, orUndefined, readSoundLink } from "./links.js";
import type { ManifestDependencies } from "./manifest-dependencies.js";
import { putManifest } from "./manifest-put.js";
import { removeEntry } from "./referrer-entries.js";
import { manifestOf } from "./referrer-indexing.js";
import { removeTag, tagsPointingTo } from "./tags.js";

/** The manifests of the repository `name`. */
export function createManifestStore(name: RepositoryName, dependencies: ManifestDependencies): ManifestStore {
  const { driver, links, reader, seenRevisions } = dependencies;

  const unknown = (digest: Digest) => new StorageError({ code: "MANIFEST_UNKNOWN", name, digest });

  const isLinked = (digest: Digest, options?: CallOptions) =>
    hasLink(driver, revisionLink(name, digest), digest, options);

  /**
   * While the storage is away nobody can take a manifest away, so that one which this process saw linked is still served from
   * memory. Not tags: another replica may have moved one just before.
   */
  const rememberedWhileDown = (error: unknown, digest: Digest): Digest => {
    if (isStorageError(error, "STORAGE_UNAVAILABLE") && seenRevisions.has(name, digest)) return digest;
    throw error;
  };

  /** Registry 2.1.0 linked manifests, schema 1 in its time, among the layers alone (contract §5). */
  const getAmongLayers = async (digest: Digest, options?: CallOptions): Promise<StoredManifest> => {
    const isLayer = await hasLink(driver, layerLink(name, digest), digest, options);
    const stored = isLayer ? await reader.read(digest, options) : undefined;
    // Nothing else: any other type here is a blob, which must not be served as a manifest that nobody verified.
    if (stored?.mediaType === DOCKER_SCHEMA1 || stored?.mediaType === DOCKER_SCHEMA1_SIGNED) return stored;
    throw unknown(digest);
  };

  return {
    async get(digest, options) {
      if (options?.tagged !== true || !seenRevisions.has(name, digest)) {
        const read = async () => ((await isLinked(digest, options)) ? digest : undefined);
        const linked = links.through(manifestLinkName(name, digest), read);
        if ((await linked.catch((error: unknown) => rememberedWhileDown(error, digest))) === undefined) {
          return getAmongLayers(digest, options);
        }
        seenRevisions.add(name, digest);
      }
      const stored = await reader.read(digest, options);
      if (stored === undefined) throw unknown(digest);
      return stored;
    },

    put: (push, options) => putManifest(push, name, dependencies, options),

    async delete(digest, options) {
      if (!(await isLinked(digest, options))) throw unknown(digest);
      const stored = await reader.read(digest, options);
      const subject = stored && manifestOf(stored)?.subject?.digest;
      const remove = async (announce: Announce) => {
        // The whole directory: the original leaves it behind empty, and old ones hold signatures that nobody reads.
        await orUndefined(driver.delete(revisionDirectory(name, digest), options));
        if (subject !== undefined) await removeEntry({ name, driver }, subject, digest, options);
        return deleteTags(digest, name, dependencies, announce, options);
      };
      seenRevisions.forget(name, digest);
      const removedTags = await links.changing([manifestLinkName(name, digest)], remove, options);
      seenRevisions.forget(name, digest);
      dependencies.cache.delete(digest);
      return { removedTags };
    },
  };
}

/** Tells the caches which further links are about to change. */
type Announce = Parameters<Parameters<LinkCache["changing"]>[1]>[0];

/** Deletes the tags that point to `digest`, and says which. One that somebody else deleted meanwhile isn't among them. */
async function deleteTags(
  digest: Digest,
  name: RepositoryName,
  { driver, liveTags: seen, tagConcurrency: concurrency }: ManifestDependencies,
  announce: Announce,
  options?: CallOptions,
): Promise<readonly TagName[]> {
  const found = await tagsPointingTo(digest, name, { driver, concurrency }, options);
  await announce(found.map((tag) => tagLinkName(name, tag)));
  const isDue = async (tag: TagName): Promise<boolean> =>
    (await readSoundLink(driver, tagCurrentLink(name, tag), options)) === digest &&
    !(await hasLink(driver, revisionLink(name, digest), digest, options));
  const removed = await mapConcurrently(found, concurrency, async (tag) => {
    // Looked at again: a push may have set it meanwhile, to something else or to this manifest, which is back then.
    if (!(await isDue(tag))) return undefined;
    return (await removeTag(name, tag, { driver, seen }, options)) ? tag : undefined;
  });
  return removed.filter((tag) => tag !== undefined);
}
