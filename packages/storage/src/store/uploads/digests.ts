import { MIB } from "@longshore/base/size";
import { LRUCache } from "lru-cache";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";
import { uploadDigest, uploadDigestsDirectory } from "../../layout/paths.js";
import {
  CANONICAL_ALGORITHM,
  createDigester,
  isDigestAlgorithm,
  splitDigest,
  type Digest,
  type DigestAlgorithm,
  type Digester,
} from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { orUndefined, readSoundLink } from "../shared/links.js";

/** Fewer bytes are read again faster than their digest is stored. */
const WORTH_KEEPING = MIB;

/** The running hashes of sessions whose bytes this process has received. A `mark` identifies the bytes that were hashed. */
export interface LiveDigesters {
  /** Removes and returns the hash of the bytes that `mark` identifies, so that two requests can't continue the same one. */
  take(key: string, mark: string): Digester | undefined;
  put(key: string, mark: string, digester: Digester): void;
  drop(key: string): void;
}

/** Remembers at most `limit` hashes, of a few hundred bytes each. */
export function createLiveDigesters(limit: number): LiveDigesters {
  const entries = new LRUCache<string, { readonly mark: string; readonly digester: Digester }>({ max: limit });
  return {
    take: (key, mark) => {
      const entry = entries.get(key);
      if (entry?.mark !== mark) return undefined;
      entries.delete(key);
      return entry.digester;
    },
    put: (key, mark, digester) => void entries.set(key, { mark, digester }),
    drop: (key) => void entries.delete(key),
  };
}

/** The digests that are stored with a session. */
export interface DigestRecords {
  /** The digest of the first `offset` bytes, as stored by any process. */
  find(algorithm: DigestAlgorithm, offset: number, options?: CallOptions): Promise<Digest | undefined>;
  /**
   * Stores the digest of `offset` bytes, which must have been synced and released (docs/protocols/uploads.md §Uploads that any
   * process can finish).
   */
  keep(digest: Digest, offset: number): Promise<void>;
  /** Records the algorithm for hashing the session's bytes, unless it is the canonical one. */
  announce(algorithm: DigestAlgorithm, options?: CallOptions): Promise<void>;
  /** The algorithm that was recorded, or the canonical one. */
  announced(options?: CallOptions): Promise<DigestAlgorithm>;
}

export function digestRecordsOf(driver: StorageDriver, name: RepositoryName, uuid: string): DigestRecords {
  /** Unsynced: a power loss may destroy a record, but what is left of it is never a valid digest. */
  const write = (digest: Digest, offset: number, options?: CallOptions): Promise<void> => {
    const path = uploadDigest(name, uuid, splitDigest(digest).algorithm, offset);
    return driver.write(path, new TextEncoder().encode(digest), { ...options, durable: false });
  };

  return {
    find: async (algorithm, offset, options) => {
      if (offset < WORTH_KEEPING) return undefined;
      const kept = await readSoundLink(driver, uploadDigest(name, uuid, algorithm, offset), options);
      return kept !== undefined && splitDigest(kept).algorithm === algorithm ? kept : undefined;
    },
    keep: async (digest, offset) => {
      if (offset < WORTH_KEEPING) return;
      try {
        await write(digest, offset);
      } catch (error) {
        // The append itself has succeeded; without the record the bytes are read once more at the end.
        if (!isStorageError(error, "DRIVER_ERROR")) throw error;
      }
    },
    announce: async (algorithm, options) => {
      if (algorithm === CANONICAL_ALGORITHM) return;
      await write(createDigester(algorithm).current(), 0, options);
    },
    announced: async (options) => {
      const page = await orUndefined(driver.list(uploadDigestsDirectory(name, uuid), options));
      return page?.names.find(isDigestAlgorithm) ?? CANONICAL_ALGORITHM;
    },
  };
}

/** The digest of the concatenation of files, each read once. Throws PATH_NOT_FOUND. */
export async function digestOfFiles(
  driver: StorageDriver,
  paths: readonly string[],
  algorithm: DigestAlgorithm,
  options?: CallOptions,
): Promise<Digest> {
  const digester = createDigester(algorithm);
  for (const path of paths) {
    const stream = await driver.open(path, options);
    try {
      for await (const chunk of stream) digester.update(chunk);
    } finally {
      await stream.close();
    }
  }
  return digester.current();
}
