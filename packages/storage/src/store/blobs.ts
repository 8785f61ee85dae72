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
import { digestOf, splitDigest, type Digest } from "../model/digest.js";
import { OCTET_STREAM } from "../model/media-types.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { Leases } from "./leases/leases.js";
import { blobLinkName } from "./shared/link-names.js";
import { fileOptions, orUndefined, readLink, writeLink } from "./shared/links.js";

/**
 * The blobs of the repository `name`. Links and bytes can be removed at any time, and a client that learns that a blob exists
 * leaves it out of its push. Links are therefore read from the storage, or from a cache that every process notifies of changes;
 * a cached size says nothing about links.
 */
export function createBlobStore(
  driver: StorageDriver,
  name: RepositoryName,
  { links, descriptors, leases }: Pick<Caches, "links" | "descriptors"> & { readonly leases: Leases },
): BlobStore {
  const unknown = (digest: Digest): StorageError => new StorageError({ code: "BLOB_UNKNOWN", digest });

  /** The digest that the bytes of `digest` are stored under: Distribution links a sha512 to a sha256 (wire contract §1.6). */
  const targetOf = async (repository: RepositoryName, digest: Digest, options?: CallOptions): Promise<Digest> => {
    const read = () => readLink(driver, layerLink(repository, digest), options);
    const target = await links.through(blobLinkName(repository, digest), read);
    if (target === undefined) throw unknown(digest);
    return target;
  };

  /** The size of the bytes under `target`, from the cache or the storage. */
  const sizeOf = async (target: Digest, options?: CallOptions): Promise<number | undefined> => {
    const known = await descriptors.get(target);
    return known === undefined ? statSize(target, options) : known.size;
  };

  const statSize = async (target: Digest, options?: DurabilityOptions): Promise<number | undefined> =>
    (await look(target, options))?.size;

  const look = async (target: Digest, options?: DurabilityOptions): Promise<FileInfo | undefined> => {
    const info = await orUndefined(driver.stat(blobData(target), fileOptions(options)));
    if (info === undefined || info.isDirectory || isEmptied(target, info.size)) {
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

  /** A client that learns that a blob exists may leave it out of a push: a collector must wait for that push. */
  const keep = async (digest: Digest, target: Digest, options?: CallOptions): Promise<void> => {
    const known = await descriptors.get(target);
    if (await leases.keep(blobData(target), new Date(known?.modified ?? 0), options)) return;
    descriptors.delete(target);
    throw unknown(digest);
  };

  return {
    stat: async (digest, options) => {
      // Concurrently: nearly always the link names the digest itself.
      const [target, size] = await Promise.all([targetOf(name, digest, options), sizeOf(digest, options)]);
      const descriptor = describe(digest, target === digest ? size : await sizeOf(target, options));
      if (options?.keep === true) await keep(digest, target, options);
      return descriptor;
    },
    open: async (digest, options) => {
      const target = await targetOf(name, digest, options);
      const expected = options?.size;
      const differs = (cause?: unknown): StorageError => {
        descriptors.delete(target);
        const fault = {
          driver: driver.name,
          operation: "comparing the size with the cached one",
          path: blobData(target),
        };
        return new StorageError({ code: "DRIVER_ERROR", ...fault }, { cause });
      };
      const stream = await orUndefined(driver.open(blobData(target), options)).catch((error: unknown) => {
        // The range was computed from the expected size.
        throw expected !== undefined && isStorageError(error, "INVALID_OFFSET") ? differs(error) : error;
      });
      if (stream !== undefined && !isEmptied(target, stream.size)) {
        if (expected === undefined || expected === stream.size) return stream;
        await stream.close();
        throw differs();
      }
      await stream?.close();
      descriptors.delete(target);
      throw unknown(digest);
    },
    redirectUrl: async (digest, request, options) => {
      const target = await targetOf(name, digest, options);
      if (!canRedirect(driver)) return undefined;
      describe(digest, await sizeOf(target, options));
      if (options?.keep === true) await keep(digest, target, options);
      return driver.redirectUrl(blobData(target), request, options);
    },
    mount: async (digest, from, options) => {
      // Without `from`: if the bytes exist, some repository has the blob (distribution-spec §Mounting).
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

const NO_BYTES = new Uint8Array(0);

/**
 * Whether the file is empty although the blob `digest` isn't: a power loss may empty files of programs that don't sync. The blob
 * is then reported as unknown, so that clients send it again.
 */
function isEmptied(digest: Digest, size: number): boolean {
  return size === 0 && digestOf(NO_BYTES, splitDigest(digest).algorithm) !== digest;
}
