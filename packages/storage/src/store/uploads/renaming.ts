import { LRUCache } from "lru-cache";
import type { CallOptions, FileWriter, StorageDriver } from "../../contract/driver.js";
import type { UploadBody } from "../../contract/upload-store.js";
import { isStorageError, StorageError } from "../../errors.js";
import { uploadData, uploadStartedAt } from "../../layout/paths.js";
import { createDigester, splitDigest, type Digest, type Digester } from "../../model/digest.js";
import { allEnded } from "../shared/concurrent.js";
import { renewFile } from "../leases/open-leases.js";
import { orUndefined } from "../shared/links.js";
import { becomeBlob } from "./commit.js";
import { uploadDataOf, type UploadData } from "./data.js";
import { createLiveDigesters, digestOfFiles, digestRecordsOf, type DigestRecords } from "./digests.js";
import { REMEMBERED_SESSIONS, type Session, type UploadProtocol } from "./protocol.js";
import { receive } from "./receive.js";
import { formatStartedAt, readStartedAt } from "./started.js";
import type { Turn } from "./turns.js";

/** A session with access to its files. */
interface OpenSession extends Session {
  readonly data: UploadData;
  readonly records: DigestRecords;
}

/** A session whose bytes this request has claimed. */
interface Claimed {
  readonly session: OpenSession;
  readonly path: string;
  readonly turn: Turn;
  /** Whether to release the file if the request fails. Not if its writer failed: then the next request takes over by copying. */
  held: boolean;
}

/** The size and the running hash after a body was received. */
interface Received {
  readonly size: number;
  readonly digester: Digester | undefined;
}

/** Sessions over a driver that can rename and append: the name of the data file says which request owns it (names.ts). */
export function createRenamingProtocol(driver: StorageDriver): UploadProtocol {
  const live = createLiveDigesters(REMEMBERED_SESSIONS);
  const times = new LRUCache<string, Date>({ max: REMEMBERED_SESSIONS });

  const open = (session: Session): OpenSession => ({
    ...session,
    data: uploadDataOf(driver, session.name, session.uuid),
    records: digestRecordsOf(driver, session.name, session.uuid),
  });

  /** Remembered, because it never changes. Whether the session still exists is found out when its bytes are located. */
  const startedAt = async ({ name, uuid, key }: Session, call?: CallOptions): Promise<Date> => {
    const known = times.get(key);
    if (known !== undefined) return known;
    const date = await orUndefined(readStartedAt(driver, uploadStartedAt(name, uuid), call));
    if (date === undefined) throw new StorageError({ code: "UPLOAD_UNKNOWN", uuid });
    times.set(key, date);
    return date;
  };

  /** If this fails, the session is purged later; the outcome of the request itself is reported. */
  const removeSession = async (key: string): Promise<void> => {
    try {
      await driver.delete(key);
    } catch (error) {
      if (!isStorageError(error)) throw error;
    }
  };

  const checkOffset = ({ uuid }: Session, offset: number | undefined, size: number): void => {
    if (offset !== undefined && offset !== size) {
      throw new StorageError({ code: "UPLOAD_OFFSET_INVALID", uuid, offset, size });
    }
  };

  /** The hash to continue; undefined if the bytes so far were hashed in another process: then they are read once, at commit. */
  const digesterFor = async (
    { key, records }: OpenSession,
    size: number,
    wanted?: Digest,
  ): Promise<Digester | undefined> => {
    const running = live.take(key, String(size));
    const algorithm = wanted === undefined ? undefined : splitDigest(wanted).algorithm;
    if (running !== undefined && (algorithm === undefined || running.algorithm === algorithm)) return running;
    return size === 0 ? createDigester(algorithm ?? (await records.announced())) : undefined;
  };

  /** Adds `body`. If the body breaks off, the bytes that arrived are stored and released, and the failure is thrown. */
  const add = async (claimed: Claimed, body: UploadBody, wanted?: Digest): Promise<Received> => {
    const { session, turn } = claimed;
    const writer = await openClaimed(claimed);
    let digester: Digester | undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      checkOffset(session, body.offset, writer.size);
      digester = await digesterFor(session, writer.size, wanted);
      turn.measure(() => writer.size);
      await receive(session.uuid, body, writer, digester, turn.signal);
    } catch (error) {
      failure = { error };
    }
    await closeClaimed(claimed, writer);
    const received: Received = { size: writer.size, digester };
    if (failure === undefined) return received;
    await release(claimed, received);
    throw failure.error;
  };

  const openClaimed = ({ session, path }: Claimed): Promise<FileWriter> =>
    unlessTakenOver(session, driver.writer(path, { append: true }));

  /** Without the request's signal: what arrived is kept even if the client has disconnected. */
  const closeClaimed = async (claimed: Claimed, writer: FileWriter): Promise<void> => {
    claimed.held = false;
    await writer.close();
    claimed.held = true;
  };

  /** The digest is only stored for others once the bytes are synced and released. */
  const release = async (claimed: Claimed, { size, digester }: Received): Promise<void> => {
    const { session, path } = claimed;
    claimed.held = false;
    await session.data.release(path);
    if (digester === undefined) return;
    live.put(session.key, String(size), digester);
    await session.records.keep(digester.current(), size);
  };

  const withClaim = async <T>(
    session: OpenSession,
    body: UploadBody | undefined,
    turn: Turn,
    work: (claimed: Claimed) => Promise<T>,
  ): Promise<T> => {
    const path = await session.data.claim(body?.offset, { signal: turn.signal });
    const claimed: Claimed = { session, path, turn, held: true };
    try {
      return await work(claimed);
    } finally {
      // If this also fails, the next request takes over from this claim; the failure of the request itself is reported.
      if (claimed.held) await session.data.release(path).catch(() => undefined);
    }
  };

  /** The digest of all bytes, if it is known from anywhere; otherwise they are synced, in case they weren't, and read. */
  const digestOfAll = async (claimed: Claimed, received: Received, wanted: Digest): Promise<Digest> => {
    const { session, path, turn } = claimed;
    const { algorithm } = splitDigest(wanted);
    if (received.digester?.algorithm === algorithm) return received.digester.current();
    const known = await session.records.find(algorithm, received.size, { signal: turn.signal });
    if (known !== undefined) return known;
    await closeClaimed(claimed, await openClaimed(claimed));
    return unlessTakenOver(session, digestOfFiles(driver, [path], algorithm, { signal: turn.signal }));
  };

  const finish = async (claimed: Claimed, wanted: Digest, body: UploadBody | undefined): Promise<number> => {
    const { session, path } = claimed;
    const received = body === undefined ? await settled(claimed, wanted) : await add(claimed, body, wanted);
    const actual = await digestOfAll(claimed, received, wanted);
    if (actual !== wanted) {
      // The session can never become that blob.
      claimed.held = false;
      await removeSession(session.key);
      throw new StorageError({ code: "DIGEST_MISMATCH", expected: wanted, actual });
    }
    // From here on without a signal: nothing may stop it half way.
    const bring = async (target: string): Promise<void> => {
      // The last byte may have arrived long ago, but the blob is new.
      await renewFile(driver, path);
      await driver.move(path, target);
      claimed.held = false;
    };
    try {
      await unlessTakenOver(session, becomeBlob(driver, { name: session.name, digest: wanted }, bring));
    } catch (error) {
      // Without its bytes the session can't be resumed.
      if (!claimed.held) await removeSession(session.key);
      throw error;
    }
    await removeSession(session.key);
    return received.size;
  };

  /** The size and hash of a session to which nothing is added. */
  const settled = async ({ session, path, turn }: Claimed, wanted: Digest): Promise<Received> => {
    const { size } = await unlessTakenOver(session, driver.stat(path, { signal: turn.signal }));
    return { size, digester: await digesterFor(session, size, wanted) };
  };

  return {
    start: async (session, { startedAt: started, algorithm }, call) => {
      const { name, uuid, key } = session;
      call?.signal?.throwIfAborted();
      // Unsynced: a power loss may take a session that has no bytes yet. Without the signal: a write that continued after an
      // abort would recreate the directory.
      const unsynced = { durable: false };
      try {
        await allEnded([
          driver.write(uploadData(name, uuid), new Uint8Array(0), unsynced),
          driver.write(uploadStartedAt(name, uuid), formatStartedAt(started), unsynced),
          open(session).records.announce(algorithm),
        ]);
      } catch (error) {
        await removeSession(key);
        throw error;
      }
      live.put(key, String(0), createDigester(algorithm));
      times.set(key, started);
    },
    status: async (session, running, call) => {
      const [started, size] = await Promise.all([
        startedAt(session, call),
        running ??
          open(session)
            .data.locate(call)
            .then((found) => found.size),
      ]);
      return { size, startedAt: started };
    },
    append: async (session, body, turn) => {
      const started = await startedAt(session, { signal: turn.signal });
      return withClaim(open(session), body, turn, async (claimed) => {
        const received = await add(claimed, body);
        await release(claimed, received);
        return { size: received.size, startedAt: started };
      });
    },
    commit: (session, digest, body, turn) =>
      withClaim(open(session), body, turn, (claimed) => finish(claimed, digest, body)),
    check: async (session, call) => {
      await open(session).data.locate(call);
    },
    cancel: async ({ key }) => {
      live.drop(key);
      await orUndefined(driver.delete(key));
    },
  };
}

/** Translates a missing file: a claimed file only disappears if another request takes over the session or ends it. */
async function unlessTakenOver<T>({ uuid }: Session, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isStorageError(error, "PATH_NOT_FOUND") ? new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid }) : error;
  }
}
