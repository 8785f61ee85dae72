import type { BlobStore } from "../contract/blob-store.js";
import type { Caches } from "../contract/caches.js";
import {
  canRedirect,
  type CallOptions,
  type DurabilityOptions,
  type FileInfo,
  type StorageDriver,
} from "../contract/driver.js";
import { isStorageError, StorageError } from "../errors.js";
import { blobData, layerLink } from "../layout/paths.js";
import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import { OCTET_STREAM } from "../model/media-types.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { Leases } from "./leases.js";
import { blobLinkName } from "./link-names.js";
import { orUndefined, readLink, writeLink } from "./links.js";

/**
 * The blobs of the repository `name`. A link can be taken away and a collector can remove bytes at any time, and a pusher who is
 * told that a blob is there leaves it out: links are asked of the storage, or of a cache that every process tells of its
 * changes; a size that is remembered says nothing about links.
 */
export function createBlobStore(
  driver: StorageDriver,
  name: RepositoryName,
  { links, descriptors, leases }: Pick<Caches, "links" | "descriptors"> & { readonly leases: Leases },
): BlobStore {
  const unknown = (digest: Digest, cause?: unknown): StorageError =>
    new StorageError({ code: "BLOB_UNKNOWN", digest }, { cause });

  /** What the bytes of `digest` are stored under: the original links a sha512 to the sha256 (contract §1.6). */
  const targetOf = async (repository: RepositoryName, digest: Digest, options?: CallOptions): Promise<Digest> => {
    const read = () => readLink(driver, layerLink(repository, digest), options);
    const target = await links.through(blobLinkName(repository, digest), read);
    if (target === undefined) throw unknown(digest);
    return target;
  };

  /** The size of the bytes under `target`, as remembered or as the storage says. */
  const sizeOf = async (target: Digest, options?: CallOptions): Promise<number | undefined> => {
    const known = await descriptors.get(target);
    return known === undefined ? statSize(target, options) : known.size;
  };

  const statSize = async (target: Digest, options?: DurabilityOptions): Promise<number | undefined> =>
    (await look(target, options))?.size;

  const look = async (target: Digest, options?: DurabilityOptions): Promise<FileInfo | undefined> => {
    const info = await orUndefined(driver.stat(blobData(target), { ...options, fileOnly: true }));
    if (info === undefined || info.isDirectory) {
      descriptors.delete(target);
      return undefined;
    }
    descriptors.set(target, { size: info.size, modified: info.modified.getTime() });
    return info;
  };

  const describe = (digest: Digest, size: number | undefined): Descriptor => {
    if (size === undefined) throw unknown(digest);
    return { mediaType: OCTET_STREAM, digest, size };
  };

  /** Whoever is told that a blob is there may leave it out of a push: a collector is to wait for that push. */
  const keep = async (digest: Digest, target: Digest, options?: CallOptions): Promise<void> => {
    const known = await descriptors.get(target);
    if (await leases.keep(blobData(target), new Date(known?.modified ?? 0), options)) return;
    descriptors.delete(target);
    throw unknown(digest);
  };

  return {
    stat: async (digest, options) => {
      // Side by side: nearly always the link names the digest itself.
      const [target, size] = await Promise.all([targetOf(name, digest, options), sizeOf(digest, options)]);
      const descriptor = describe(digest, target === digest ? size : await sizeOf(target, options));
      if (options?.keep === true) await keep(digest, target, options);
      return descriptor;
    },
    open: async (digest, options) => {
      const target = await targetOf(name, digest, options);
      try {
        return await driver.open(blobData(target), options);
      } catch (error) {
        if (!isStorageError(error, "PATH_NOT_FOUND")) throw error;
        descriptors.delete(target);
        throw unknown(digest, error);
      }
    },
    redirectUrl: async (digest, request, options) => {
      const target = await targetOf(name, digest, options);
      if (!canRedirect(driver)) return undefined;
      describe(digest, await sizeOf(target, options));
      if (options?.keep === true) await keep(digest, target, options);
      return driver.redirectUrl(blobData(target), request, options);
    },
    mount: async (digest, from, options) => {
      // Without `from` the bytes under the digest itself say that some repository has it (distribution-spec §Mounting).
      const target = from === undefined ? digest : await targetOf(from, digest, options);
      const info = await look(target, { ...options, durable: true });
      if (info === undefined || !(await leases.rely(blobData(target), info.modified, options))) throw unknown(digest);
      const descriptor = describe(digest, info.size);
      await writeLink(driver, layerLink(name, digest), target, options);
      return descriptor;
    },
    delete: async (digest, options) => {
      if ((await readLink(driver, layerLink(name, digest), options)) === undefined) throw unknown(digest);
      const remove = () =>
        orUndefined(driver.delete(layerLink(name, digest), { ...options, fileOnly: true }).then(() => true));
      if ((await links.changing([blobLinkName(name, digest)], remove, options)) !== true) throw unknown(digest);
    },
  };
}
