import { LRUCache } from "lru-cache";
import type { CallOptions, FileWriter, StorageDriver } from "../contract/driver.js";
import type { UploadBody } from "../contract/upload-store.js";
import { isStorageError, StorageError } from "../errors.js";
import { uploadData, uploadStartedAt } from "../layout/paths.js";
import { createDigester, splitDigest, type Digest, type Digester } from "../model/digest.js";
import { allEnded } from "./concurrent.js";
import { renewFile } from "./open-leases.js";
import { orUndefined } from "./links.js";
import { becomeBlob, type BlobPlace } from "./upload-commit.js";
import { uploadDataOf, type UploadData } from "./upload-data.js";
import { createLiveDigesters, digestOfFiles, digestRecordsOf, type DigestRecords } from "./upload-digests.js";
import { REMEMBERED_SESSIONS, type Session, type UploadProtocol } from "./upload-protocol.js";
import { receive } from "./upload-receive.js";
import { formatStartedAt, readStartedAt } from "./upload-started.js";
import type { Turn } from "./upload-turns.js";

/** A session, and where it keeps things. */
interface OpenSession extends Session {
  readonly data: UploadData;
  readonly records: DigestRecords;
}

/** A session's bytes while this request has them. */
interface Claimed {
  readonly session: OpenSession;
  readonly path: string;
  readonly turn: Turn;
  /** Whether the file is to be given back when the request fails. Not one whose writer failed: whoever goes on copies it. */
  held: boolean;
}

/** What a body left behind. */
interface Received {
  readonly size: number;
  readonly digester: Digester | undefined;
}

/** Sessions over a driver that renames and appends: one file, whose name says who writes it. */
export function createRenamingProtocol(driver: StorageDriver, leases: BlobPlace["leases"]): UploadProtocol {
  const live = createLiveDigesters(REMEMBERED_SESSIONS);
  const times = new LRUCache<string, Date>({ max: REMEMBERED_SESSIONS });

  const open = (session: Session): OpenSession => ({
    ...session,
    data: uploadDataOf(driver, session.name, session.uuid),
    records: digestRecordsOf(driver, session.name, session.uuid),
  });

  /** Remembered: it never changes, and whether the session is still there shows when its bytes are looked for. */
  const startedAt = async ({ name, uuid, key }: Session, call?: CallOptions): Promise<Date> => {
    const known = times.get(key);
    if (known !== undefined) return known;
    const date = await orUndefined(readStartedAt(driver, uploadStartedAt(name, uuid), call));
    if (date === undefined) throw new StorageError({ code: "UPLOAD_UNKNOWN", uuid });
    times.set(key, date);
    return date;
  };

  const checkOffset = ({ uuid }: Session, offset: number | undefined, size: number): void => {
    if (offset !== undefined && offset !== size) {
      throw new StorageError({ code: "UPLOAD_OFFSET_INVALID", uuid, offset, size });
    }
  };

  /** The hash to go on with; undefined where the bytes so far were hashed elsewhere: then they are read once, at commit. */
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

  /** Adds `body`. When that fails for the body's sake, everything is as if it had ended there, and the failure is thrown. */
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
    await giveBack(claimed, received);
    throw failure.error;
  };

  const openClaimed = ({ session, path }: Claimed): Promise<FileWriter> =>
    unlessTakenOver(session, driver.writer(path, { append: true }));

  /** Without the request's signal: what came is kept although nobody waits for it. */
  const closeClaimed = async (claimed: Claimed, writer: FileWriter): Promise<void> => {
    claimed.held = false;
    await writer.close();
    claimed.held = true;
  };

  /** Only now, synced and given back, do the bytes get a digest that others rely on. */
  const giveBack = async (claimed: Claimed, { size, digester }: Received): Promise<void> => {
    const { session, path } = claimed;
    claimed.held = false;
    await session.data.giveBack(path);
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
      // Where that fails, too, the next one takes over from this claim; the request's own failure is what is told.
      if (claimed.held) await session.data.giveBack(path).catch(() => undefined);
    }
  };

  /** The digest of all bytes, from whoever hashed them; what nobody vouches for is read, and synced: it may not have been. */
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
      // It can never become that blob.
      claimed.held = false;
      await orUndefined(driver.delete(session.key));
      throw new StorageError({ code: "DIGEST_MISMATCH", expected: wanted, actual });
    }
    // From here on nothing ends it half way: no signal.
    const blob = { name: session.name, digest: wanted, size: received.size };
    await unlessTakenOver(
      session,
      becomeBlob({ driver, leases }, blob, async (target) => {
        // The last byte may have come long ago; as a blob they are new.
        await renewFile(driver, path);
        await driver.move(path, target);
      }),
    );
    claimed.held = false;
    await orUndefined(driver.delete(session.key));
    return received.size;
  };

  /** The size and hash of a session that nothing is added to. */
  const settled = async ({ session, path, turn }: Claimed, wanted: Digest): Promise<Received> => {
    const { size } = await unlessTakenOver(session, driver.stat(path, { signal: turn.signal }));
    return { size, digester: await digesterFor(session, size, wanted) };
  };

  return {
    start: async (session, { startedAt: started, algorithm }, call) => {
      const { name, uuid, key } = session;
      // Unsynced: nothing has been acknowledged that a power loss mustn't take.
      const unsynced = { signal: call?.signal, durable: false };
      await allEnded([
        driver.write(uploadData(name, uuid), new Uint8Array(0), unsynced),
        driver.write(uploadStartedAt(name, uuid), formatStartedAt(started), unsynced),
        open(session).records.announce(algorithm, call),
      ]);
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
        await giveBack(claimed, received);
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

/** What `work` at the claimed file resolves to: nobody removes that but one who takes the session over, or ends it. */
async function unlessTakenOver<T>({ uuid }: Session, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isStorageError(error, "PATH_NOT_FOUND") ? new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid }) : error;
  }
}
