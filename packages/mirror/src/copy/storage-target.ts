import { isStorageError, splitDigest, type Registry, type StorageErrorCode } from "@longshore/storage";
import type { CopyTarget } from "./contract.js";

/**
 * A storage as the target. It verifies digests, and that what a manifest refers to is there; a blob that any of its repositories has is linked
 * instead of being fetched. `registry` has to take indexes of which children are missing, where only some platforms are copied.
 */
export function storageTarget(registry: Registry): CopyTarget {
  return {
    async resolveTag(name, tag, call) {
      return unless(["TAG_UNKNOWN", "NAME_UNKNOWN"], () => registry.repository(name).tags.resolve(tag, call));
    },
    async hasManifest(name, digest, call) {
      const found = await unless(["MANIFEST_UNKNOWN"], () => registry.repository(name).manifests.get(digest, call));
      return found !== undefined;
    },
    async hasBlob(name, digest, call) {
      const { blobs } = registry.repository(name);
      const linked = await unless(["BLOB_UNKNOWN"], () => blobs.stat(digest, { ...call, keep: true }));
      if (linked !== undefined) return true;
      return (await unless(["BLOB_UNKNOWN"], () => blobs.mount(digest, undefined, call))) !== undefined;
    },
    async putBlob(name, { digest, size }, content, call) {
      const { uploads } = registry.repository(name);
      const { uuid } = await uploads.start({ ...call, algorithm: splitDigest(digest).algorithm });
      try {
        await uploads.commit(uuid, digest, { bytes: content, offset: 0, length: size }, call);
      } catch (error) {
        // Without the signal: it may be what ended the copy.
        await uploads.cancel(uuid).catch(() => undefined);
        throw error;
      }
    },
    async putManifest(name, { bytes, mediaType, digest }, tag, call) {
      const tags = tag === undefined ? [] : [tag];
      await registry.repository(name).manifests.put({ bytes, mediaType, digest, tags }, call);
    },
    // It lists a referrer when that is stored.
    listReferrers: () => Promise.resolve(),
  };
}

/** Undefined where `work` throws one of `codes`. */
async function unless<T>(codes: readonly StorageErrorCode[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isStorageError(error) && codes.includes(error.code)) return undefined;
    throw error;
  }
}
