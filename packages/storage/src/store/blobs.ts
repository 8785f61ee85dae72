import type { BlobStore } from "../contract/blob-store.js";
import { canRedirect, type CallOptions, type StorageDriver } from "../contract/driver.js";
import { isStorageError, StorageError } from "../errors.js";
import { blobData, layerLink } from "../layout/paths.js";
import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import { OCTET_STREAM } from "../model/media-types.js";
import type { RepositoryName } from "../model/repository-name.js";
import { orUndefined, readLink, writeLink } from "./links.js";

/**
 * The blobs of the repository `name`. Nothing about them is remembered here: a link can be taken away and a collector can
 * remove bytes at any time, and a pusher who is told that a blob is there leaves it out. Both are asked of the driver on
 * each call, one cached link and one `stat`, which tells the size as well.
 */
export function createBlobStore(driver: StorageDriver, name: RepositoryName): BlobStore {
  const unknown = (digest: Digest, cause?: unknown): StorageError =>
    new StorageError({ code: "BLOB_UNKNOWN", digest }, { cause });

  /** What the bytes of `digest` are stored under: the original links a sha512 to the sha256 (contract §1.6). */
  const targetOf = async (repository: RepositoryName, digest: Digest, options?: CallOptions): Promise<Digest> => {
    const target = await readLink(driver, layerLink(repository, digest), options);
    if (target === undefined) throw unknown(digest);
    return target;
  };

  const describe = async (
    digest: Digest,
    target: Digest,
    options?: CallOptions & { readonly durable?: boolean },
  ): Promise<Descriptor> => {
    const info = await orUndefined(driver.stat(blobData(target), options));
    if (info === undefined || info.isDirectory) throw unknown(digest);
    return { mediaType: OCTET_STREAM, digest, size: info.size };
  };

  return {
    stat: async (digest, options) => {
      // Side by side: nearly always the link names the digest itself.
      const [target, info] = await Promise.all([
        readLink(driver, layerLink(name, digest), options),
        orUndefined(driver.stat(blobData(digest), options)),
      ]);
      if (target === undefined) throw unknown(digest);
      if (target !== digest) return describe(digest, target, options);
      if (info === undefined || info.isDirectory) throw unknown(digest);
      return { mediaType: OCTET_STREAM, digest, size: info.size };
    },
    open: async (digest, options) => {
      const target = await targetOf(name, digest, options);
      try {
        return await driver.open(blobData(target), options);
      } catch (error) {
        throw isStorageError(error, "PATH_NOT_FOUND") ? unknown(digest, error) : error;
      }
    },
    redirectUrl: async (digest, request, options) => {
      const target = await targetOf(name, digest, options);
      if (!canRedirect(driver)) return undefined;
      await describe(digest, target, options);
      return driver.redirectUrl(blobData(target), request, options);
    },
    mount: async (digest, from, options) => {
      // Without `from` the bytes under the digest itself say that some repository has it (distribution-spec §Mounting).
      const target = from === undefined ? digest : await targetOf(from, digest, options);
      const descriptor = await describe(digest, target, { ...options, durable: true });
      await writeLink(driver, layerLink(name, digest), target, options);
      return descriptor;
    },
    delete: async (digest, options) => {
      await targetOf(name, digest, options);
      try {
        await driver.delete(layerLink(name, digest), options);
      } catch (error) {
        throw isStorageError(error, "PATH_NOT_FOUND") ? unknown(digest, error) : error;
      }
    },
  };
}
