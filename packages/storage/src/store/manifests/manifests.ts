import type { LinkCache } from "../../contract/caches.js";
import type { CallOptions } from "../../contract/driver.js";
import type { ManifestStore, StoredManifest } from "../../contract/manifest-store.js";
import { isStorageError, StorageError } from "../../errors.js";
import { layerLink, revisionLink } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import { DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED } from "../../model/media-types.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { TagName } from "../../model/tag.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { manifestLinkName, tagLinkName } from "../shared/link-names.js";
import { hasLink, orUndefined } from "../shared/links.js";
import type { ManifestDependencies } from "../dependencies.js";
import { putManifest } from "./put.js";
import { removeEntryOfRemoved } from "../referrers/entries.js";
import { listManifests } from "./revisions.js";
import { requireNoImmutableTag } from "./needed-by-tags.js";
import { guardedRemovals } from "./guarded-removal.js";
import { removeRevision } from "./revision-removal.js";
import { manifestOf } from "../referrers/indexing.js";
import { tagsPointingTo } from "../tags/tags.js";

/** The manifests of the repository `name`. */
export function createManifestStore(name: RepositoryName, dependencies: ManifestDependencies): ManifestStore {
  const { driver, links, reader, seenRevisions } = dependencies;

  const unknown = (digest: Digest) => new StorageError({ code: "MANIFEST_UNKNOWN", name, digest });

  const isLinked = (digest: Digest, options?: CallOptions) =>
    hasLink(driver, revisionLink(name, digest), digest, options);

  /**
   * While the storage is unavailable no manifest can be deleted, so one that this process has seen linked is still served from
   * memory. Tags aren't: another replica may have moved one just before.
   */
  const rememberedWhileDown = (error: unknown, digest: Digest): Digest => {
    if (isStorageError(error, "STORAGE_UNAVAILABLE") && seenRevisions.has(name, digest)) return digest;
    throw error;
  };

  /** Registry 2.1.0 linked manifests (schema 1 at the time) only among the layers (wire contract §5). */
  const getAmongLayers = async (digest: Digest, options?: CallOptions): Promise<StoredManifest> => {
    const isLayer = await hasLink(driver, layerLink(name, digest), digest, options);
    const stored = isLayer ? await reader.read(digest, options) : undefined;
    // Anything of another type is a blob, which must not be served as a manifest because it was never verified as one.
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

    async isLinked(digest, options) {
      const info = await orUndefined(driver.stat(revisionLink(name, digest), { ...options, fileOnly: true }));
      return info !== undefined && !info.isDirectory;
    },

    list: (page) => listManifests(name, driver, page),

    put: (push, options) => putManifest(push, name, dependencies, options),

    async delete(digest, options) {
      if (!(await isLinked(digest, options))) throw unknown(digest);
      const stored = await reader.read(digest, options);
      const subject = stored && manifestOf(stored)?.subject?.digest;
      const isGuarded = dependencies.immutable(name) !== undefined;
      const check = () => requireNoImmutableTag(name, digest, dependencies, options);
      const remove = async (announce: Announce) => {
        if (isGuarded) await guardedRemovals(name, driver).remove(digest, check, options);
        else await removeRevision(name, digest, driver, options);
        if (subject !== undefined) await removeEntryOfRemoved({ name, driver }, subject, digest, options);
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

/** Tells the caches which other links are about to change. */
type Announce = Parameters<Parameters<LinkCache["changing"]>[1]>[0];

/** Deletes the tags that point to `digest`, and returns those that it has deleted itself. */
async function deleteTags(
  digest: Digest,
  name: RepositoryName,
  { driver, liveTags, tagLinks, tagConcurrency, immutable }: ManifestDependencies,
  announce: Announce,
  options?: CallOptions,
): Promise<readonly TagName[]> {
  const ruleOf = immutable(name);
  // An immutable one belongs to a push that finds the manifest gone, and pushes it again.
  const pointing = await tagsPointingTo(digest, name, { driver, tagConcurrency }, options);
  const found = pointing.filter((tag) => ruleOf?.(tag) === undefined);
  await announce(found.map((tag) => tagLinkName(name, tag)));
  // A push may have set a tag meanwhile: to another manifest, or to this one, which then exists again.
  const isDue = async (): Promise<boolean> => !(await hasLink(driver, revisionLink(name, digest), digest, options));
  const removed = await mapConcurrently(found, tagConcurrency, async (tag) => {
    liveTags.forget(name, tag);
    return (await tagLinks.removeFrom(tag, digest, isDue, options)) ? tag : undefined;
  });
  return removed.filter((tag) => tag !== undefined);
}
