import { randomUUID } from "node:crypto";
import {
  adoptBlob,
  openRecords,
  splitDigest,
  type Digest,
  type Registry,
  type RepositoryName,
  type StorageDriver,
} from "@longshore/storage";
import { createGrowingFile, type GrowingFile } from "./growing-file.js";
import { tidyClaims } from "./claims.js";
import { ABANDONED, createLiveFiles, DOWNLOADS, openSpoolFiles, removeAbandoned } from "./spool-files.js";

/** Where blobs are while they arrive. */
export interface Spool {
  /** Its files, which other processes of this machine, or of this storage, have as well. */
  readonly files: StorageDriver;
  /** A path for a blob's bytes that no other download has. */
  pathFor(digest: Digest): string;
  /** The file at `path`, new and empty, for a blob of the repository `name`. Throws StorageError. */
  create(name: RepositoryName, path: string): Promise<GrowingFile>;
  /** Whether the file at `path`, which another process writes, is or will be here. */
  hasFile(path: string): Promise<boolean>;
  /** Tells the process that writes the file at `path` that it is read here. Never throws. */
  want(path: string): Promise<void>;
  /** When another process last said that it reads the file at `path` (ms since 1970); undefined: none did. Never throws. */
  wantedAt(path: string): Promise<number | undefined>;
  close(): Promise<void>;
}

/**
 * In the storage itself where it has real files: a finished download is renamed into its place. Otherwise on the local disk,
 * below `directory`, from where it is copied when its clients have long had it.
 */
export async function openSpool(driver: StorageDriver, registry: Registry, directory: string): Promise<Spool> {
  const spool = await openSpoolFiles(driver, directory);
  const { files, isInPlace } = spool;
  const live = createLiveFiles(files);

  const copy = async (name: RepositoryName, path: string, digest: Digest): Promise<void> => {
    const { uploads } = registry.repository(name);
    const { uuid } = await uploads.start({ algorithm: splitDigest(digest).algorithm });
    const bytes = await files.open(path);
    try {
      await uploads.commit(uuid, digest, { bytes, length: bytes.size });
    } catch (error) {
      await uploads.cancel(uuid).catch(() => undefined);
      throw error;
    } finally {
      await bytes.close();
    }
    await files.delete(path, { fileOnly: true });
  };

  const forgetReaders = (path: string): Promise<void> =>
    files.delete(wantedPath(path), { fileOnly: true }).catch(() => undefined);

  return {
    files,
    pathFor(digest) {
      const { algorithm, hex } = splitDigest(digest);
      return `${DOWNLOADS}/${algorithm}/${hex}/${randomUUID()}`;
    },
    async create(name, path) {
      const adopt = async (from: string, actual: Digest): Promise<void> => {
        await (isInPlace ? adoptBlob(driver, { name, digest: actual }, from) : copy(name, from, actual));
        live.delete(from);
        await forgetReaders(from);
      };
      const file = await createGrowingFile(files, path, adopt);
      live.add(path);
      return {
        ...file,
        get flushed() {
          return file.flushed;
        },
        async discard() {
          live.delete(path);
          await file.discard();
          await forgetReaders(path);
        },
      };
    },
    hasFile: async (path) =>
      isInPlace ||
      files.stat(path, { fileOnly: true }).then(
        () => true,
        () => false,
      ),
    want: (path) => files.write(wantedPath(path), NOTHING, { durable: false }).catch(() => undefined),
    wantedAt: (path) =>
      files.stat(wantedPath(path)).then(
        ({ modified }) => modified.getTime(),
        () => undefined,
      ),
    async close() {
      live.close();
      await spool.close();
    },
  };
}

const NOTHING = new Uint8Array(0);

/** Its time says when another process last read the file at `path`. */
function wantedPath(path: string): string {
  return `${path}.wanted`;
}

/**
 * Removes what downloads of processes that were killed left in the spool of {@link openSpool}, and nothing of those under way, in whichever
 * process. Returns how many files. Throws StorageError.
 */
export async function cleanSpool(driver: StorageDriver, directory: string, signal?: AbortSignal): Promise<number> {
  const spool = await openSpoolFiles(driver, directory);
  try {
    await tidyClaims(openRecords(driver));
    return await removeAbandoned(spool.files, DOWNLOADS, { age: ABANDONED, now: Date.now(), signal });
  } finally {
    await spool.close();
  }
}
