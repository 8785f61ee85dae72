import { randomUUID } from "node:crypto";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isStorageError, StorageError } from "../errors.js";
import {
  uploadClaimedData,
  uploadCopy,
  uploadData,
  uploadDirectory,
  uploadStartedAt,
  uploadTakenMark,
} from "../layout/paths.js";
import type { RepositoryName } from "../model/repository-name.js";
import { orUndefined } from "./links.js";
import { whereaboutsOf, type Whereabouts } from "./upload-names.js";

/** One session's bytes in storage, whichever process has them. */
export interface UploadData {
  /** The file that has the bytes now, and how many. Throws UPLOAD_UNKNOWN. */
  locate(options?: CallOptions): Promise<{ readonly path: string | undefined; readonly size: number }>;
  /**
   * Makes the bytes this claim's own: nobody else can write to the file that it resolves with. Takes over from a claim that
   * is still there, whose bytes must be `offset` many where that is given. Throws UPLOAD_UNKNOWN, UPLOAD_OFFSET_INVALID,
   * UPLOAD_TAKEN_OVER.
   */
  claim(offset: number | undefined, options?: CallOptions): Promise<string>;
  /** Gives a claimed file back, for anybody to go on with. Throws UPLOAD_TAKEN_OVER where it isn't the session's any more. */
  giveBack(path: string): Promise<void>;
}

/** Bytes don't wait for long between two names; what is in nobody's place after so many looks isn't there. */
const LOOKS = 20;

/** The bytes of the session `uuid` (docs/architecture.md §Uploads that any process can finish). */
export function uploadDataOf(driver: StorageDriver, name: RepositoryName, uuid: string): UploadData {
  const free = uploadData(name, uuid);
  const unknown = (): StorageError => new StorageError({ code: "UPLOAD_UNKNOWN", uuid });
  const takenOver = (): StorageError => new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });

  const look = async (options?: CallOptions): Promise<Whereabouts> => {
    const page = await orUndefined(driver.list(uploadDirectory(name, uuid), options));
    return page === undefined ? { kind: "unknown" } : whereaboutsOf(page.names);
  };

  const pathOf = (place: Whereabouts): string | undefined => {
    switch (place.kind) {
      case "free":
        return free;
      case "claimed":
        return uploadClaimedData(name, uuid, place.claim);
      case "prepared":
        return uploadCopy(name, uuid, place.claim);
      case "none":
        return undefined;
      case "unknown":
        throw unknown();
    }
  };

  /**
   * Whether `from` could be renamed: of several that try, one can. No sync: a power loss ends the claims anyway. No signal:
   * whoever gives up waiting wouldn't know whose the bytes are.
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
      // The writer keeps chunks that the stream will fill again.
      for await (const chunk of source) await target.write(chunk.slice(), options);
      await target.commit(options);
      return true;
    } finally {
      await target.close();
      await source.close();
    }
  };

  /** Removes what an attempt left; with the session gone meanwhile, the directory that the attempt may have made again. */
  const withdraw = async (path: string): Promise<void> => {
    await orUndefined(driver.delete(path));
    if ((await look()).kind === "unknown") await orUndefined(driver.delete(uploadDirectory(name, uuid)));
  };

  /**
   * Takes over from `older`. Its writer may be stalled and can't be shut out of its file, so the bytes go to a new one; then
   * the older file is renamed to say where they are. That rename is the fence: it can succeed once, and afterwards the older
   * writer can neither give back nor commit. Durable, so that a power loss brings no older file back under newer digests.
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

  /** Gives a session without bytes an empty file; of several that try, the one that can take `startedat` away does it. */
  const makeData = async (own: string): Promise<void> => {
    const startedAt = uploadStartedAt(name, uuid);
    const held = `${startedAt}.${own}`;
    if (!(await rename(startedAt, held))) return;
    try {
      const names = (await driver.list(uploadDirectory(name, uuid))).names;
      if (whereaboutsOf([...names, "startedat"]).kind === "none") {
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
        const place = await look(options);
        if (place.kind === "unknown") throw unknown();
        if (place.kind === "none") await makeData(own);
        if (place.kind === "prepared" && (await fromPrepared(place.claim, own))) return path;
        if (place.kind !== "claimed") continue;
        // Whoever was faster is the newest: two newcomers must not go on taking over from each other.
        if (fenced) throw takenOver();
        if (!(await fence(place.claim, own, offset, options))) {
          fenced = true;
          continue;
        }
        if (await fromPrepared(own, own)) return path;
        throw takenOver();
      }
      throw takenOver();
    },
    giveBack: async (path) => {
      if (!(await rename(path, free))) throw takenOver();
    },
  };
}
