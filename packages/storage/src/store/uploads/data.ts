import { randomUUID } from "node:crypto";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { isStorageError, StorageError } from "../../errors.js";
import {
  uploadClaimedData,
  uploadCopy,
  uploadData,
  uploadDirectory,
  uploadStartedAt,
  uploadTakenMark,
} from "../../layout/paths.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { orUndefined } from "../shared/links.js";
import { dataStateOf, type DataState } from "./names.js";

/** The bytes of one session in storage, whichever process is writing them. */
export interface UploadData {
  /** The file that currently holds the bytes, and its size. Throws UPLOAD_UNKNOWN. */
  locate(options?: CallOptions): Promise<{ readonly path: string | undefined; readonly size: number }>;
  /**
   * Claims the bytes, and resolves to the path of a file that no other process can write to. Takes over from an existing claim;
   * if `offset` is given, that claim must have as many bytes. Throws UPLOAD_UNKNOWN, UPLOAD_OFFSET_INVALID, UPLOAD_TAKEN_OVER.
   */
  claim(offset: number | undefined, options?: CallOptions): Promise<string>;
  /** Releases a claimed file, so that any process can continue. Throws UPLOAD_TAKEN_OVER if another request has taken over. */
  release(path: string): Promise<void>;
}

/** A listing misses the bytes only while they are being renamed; after this many attempts they don't exist. */
const LOOKS = 20;

/** The bytes of the session `uuid` (docs/protocols/uploads.md §Uploads that any process can finish). */
export function uploadDataOf(driver: StorageDriver, name: RepositoryName, uuid: string): UploadData {
  const free = uploadData(name, uuid);
  const unknown = (): StorageError => new StorageError({ code: "UPLOAD_UNKNOWN", uuid });
  const takenOver = (): StorageError => new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });

  const look = async (options?: CallOptions): Promise<DataState> => {
    const page = await orUndefined(driver.list(uploadDirectory(name, uuid), options));
    return page === undefined ? { kind: "unknown" } : dataStateOf(page.names);
  };

  const pathOf = (state: DataState): string | undefined => {
    switch (state.kind) {
      case "free":
        return free;
      case "claimed":
        return uploadClaimedData(name, uuid, state.claim);
      case "prepared":
        return uploadCopy(name, uuid, state.claim);
      case "none":
        return undefined;
      case "unknown":
        throw unknown();
    }
  };

  /**
   * Renames `from`; false if it is gone, because only one of several concurrent attempts succeeds. Without a sync: a power loss
   * ends all claims anyway. Without a signal: after an aborted wait it would be unclear who owns the bytes.
   */
  const rename = async (from: string, to: string, durable = false): Promise<boolean> => {
    try {
      await driver.move(from, to, { durable });
      return true;
    } catch (error) {
      if (isStorageError(error, "PATH_NOT_FOUND")) return false;
      throw error;
    }
  };

  const copy = async (from: string, to: string, size: number, options?: CallOptions): Promise<boolean> => {
    const source = await orUndefined(driver.open(from, { ...options, end: size - 1 }));
    if (source === undefined) return false;
    const target = await driver.writer(to, options);
    try {
      // A copy of each chunk: the writer keeps it, and the stream reuses its buffer.
      for await (const chunk of source) await target.write(chunk.slice(), options);
      await target.commit(options);
      return true;
    } finally {
      await target.close();
      await source.close();
    }
  };

  /** Removes the file of a failed attempt, and the directory that it may have recreated if the session has ended meanwhile. */
  const withdraw = async (path: string): Promise<void> => {
    await orUndefined(driver.delete(path));
    if ((await look()).kind === "unknown") await orUndefined(driver.delete(uploadDirectory(name, uuid)));
  };

  /**
   * Takes over from the claim `older`. Its writer may be stalled and can't be locked out of its file, so the bytes are copied
   * to a new one; then the older file is renamed to say where they are. That rename is the fence: it succeeds only once, and
   * afterwards the older writer can neither release nor commit. It is durable, because after a power loss the older file must
   * not reappear together with newer digests.
   */
  const fence = async (older: string, own: string, offset: number | undefined, options?: CallOptions) => {
    const from = uploadClaimedData(name, uuid, older);
    const info = await orUndefined(driver.stat(from, options));
    if (info === undefined) return false;
    if (offset !== undefined && offset !== info.size) {
      throw new StorageError({ code: "UPLOAD_OFFSET_INVALID", uuid, offset, size: info.size });
    }
    const to = uploadCopy(name, uuid, own);
    let done = false;
    try {
      const copied = await copy(from, to, info.size, options);
      done = copied && (await rename(from, uploadTakenMark(name, uuid, own), true));
      return done;
    } finally {
      if (!done) await withdraw(to);
    }
  };

  const fromPrepared = async (claim: string, own: string): Promise<boolean> => {
    if (!(await rename(uploadCopy(name, uuid, claim), uploadClaimedData(name, uuid, own)))) return false;
    await orUndefined(driver.delete(uploadTakenMark(name, uuid, claim)));
    return true;
  };

  /** Creates the empty file of a session that has none. `startedat`, renamed meanwhile, serves as the lock. */
  const createData = async (own: string): Promise<void> => {
    const startedAt = uploadStartedAt(name, uuid);
    const held = `${startedAt}.${own}`;
    if (!(await rename(startedAt, held))) return;
    try {
      const names = (await driver.list(uploadDirectory(name, uuid))).names;
      if (dataStateOf([...names, "startedat"]).kind === "none") {
        await driver.write(free, new Uint8Array(0), { durable: false });
      }
    } finally {
      await rename(held, startedAt);
    }
  };

  return {
    locate: async (options) => {
      for (let looks = 0; looks < LOOKS; looks += 1) {
        const path = pathOf(looks === 0 ? { kind: "free" } : await look(options));
        if (path === undefined) return { path, size: 0 };
        const info = await orUndefined(driver.stat(path, options));
        if (info !== undefined) return { path, size: info.size };
      }
      throw takenOver();
    },
    claim: async (offset, options) => {
      const own = randomUUID();
      const path = uploadClaimedData(name, uuid, own);
      let fenced = false;
      for (let looks = 0; looks < LOOKS; looks += 1) {
        if (await rename(free, path)) return path;
        const state = await look(options);
        if (state.kind === "unknown") throw unknown();
        if (state.kind === "none") await createData(own);
        if (state.kind === "prepared" && (await fromPrepared(state.claim, own))) return path;
        if (state.kind !== "claimed") continue;
        // Another newcomer was faster and wins: the two must not keep taking over from each other.
        if (fenced) throw takenOver();
        if (!(await fence(state.claim, own, offset, options))) {
          fenced = true;
          continue;
        }
        if (await fromPrepared(own, own)) return path;
        throw takenOver();
      }
      throw takenOver();
    },
    release: async (path) => {
      if (!(await rename(path, free))) throw takenOver();
    },
  };
}
