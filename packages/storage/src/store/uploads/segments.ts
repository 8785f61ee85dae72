import { LRUCache } from "lru-cache";
import { randomUUID } from "node:crypto";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage, SourceFile } from "../../contract/object-storage.js";
import type { UploadBody } from "../../contract/upload-store.js";
import { isStorageError, StorageError } from "../../errors.js";
import { uploadSegment } from "../../layout/paths.js";
import { createDigester, splitDigest, type Digest, type DigestAlgorithm } from "../../model/digest.js";
import { addToSegments, carriedSegment, type Hashing } from "./addition.js";
import { becomeBlob, leaseStored, type BlobPlace } from "./commit.js";
import { createLiveDigesters, digestOfFiles } from "./digests.js";
import { REMEMBERED_SESSIONS, type Session, type SessionProgress, type UploadProtocol } from "./protocol.js";
import { orTakenOver } from "./segment-writer.js";
import { stateFileOf, type LoadedState, type StateFile } from "./state-file.js";
import { nextCompaction, sizeOf, type Segment, type UploadState } from "./state.js";
import type { Turn } from "./turns.js";
import { storeWhole, type WholeBody } from "./whole.js";

/** A session, as a request has found it. */
interface OpenSession extends LoadedState {
  readonly session: Session;
  readonly file: StateFile;
  /** Bytes. */
  readonly size: number;
}

/**
 * Sessions over object storage, which can neither rename nor append: bytes are stored in segments that never change, and one
 * small file, which is replaced atomically, lists those that count (docs/protocols/uploads.md §Uploads over object storage).
 *
 *     append:  read state ─▶ write segment.<id> ─▶ replace state, if it is still the version that was read ─▶ acknowledge
 *                                                    └─▶ otherwise UPLOAD_TAKEN_OVER, and the segment is removed
 *     commit:  read state ─▶ add the last bytes ─▶ verify the digest ─▶ join the segments to the blob ─▶ remove the session
 */
export function createSegmentProtocol(
  driver: StorageDriver & ObjectStorage,
  leases: BlobPlace["leases"],
): UploadProtocol {
  const place = { driver, leases };
  const live = createLiveDigesters(REMEMBERED_SESSIONS);
  const times = new LRUCache<string, Date>({ max: REMEMBERED_SESSIONS });

  const open = async (session: Session, offset: number | undefined, call?: CallOptions): Promise<OpenSession> => {
    const file = stateFileOf(driver, session);
    const loaded = await file.load(call);
    const size = sizeOf(loaded.state);
    times.set(session.key, loaded.state.startedAt);
    if (offset !== undefined && offset !== size) {
      throw new StorageError({ code: "UPLOAD_OFFSET_INVALID", uuid: session.uuid, offset, size });
    }
    return { ...loaded, session, file, size };
  };

  const sourcesOf = ({ name, uuid }: Session, segments: readonly Segment[]): SourceFile[] =>
    segments.map(({ id, size }) => ({ path: uploadSegment(name, uuid, id), size }));

  /** The hash to continue; undefined if bytes were hashed in another process: then all are read once, at commit. */
  const hashingFor = ({ session, state, size }: OpenSession, wanted?: DigestAlgorithm): Hashing | undefined => {
    const running = live.take(session.key, markOf(state.segments));
    if (running !== undefined && (wanted === undefined || running.algorithm === wanted)) {
      return { digester: running, from: size };
    }
    const isReadAnyway = size === 0 || (state.segments.length === 1 && carriedSegment(driver, state) !== undefined);
    return isReadAnyway ? { digester: createDigester(wanted ?? state.algorithm), from: 0 } : undefined;
  };

  /** Joins segments until the list is short enough, and adds the new ones to `made`. */
  const compacted = async (
    session: Session,
    segments: readonly Segment[],
    made: Segment[],
  ): Promise<readonly Segment[]> => {
    const step = nextCompaction(segments);
    if (step === undefined) return segments;
    const whole: Segment = { id: randomUUID(), size: step.size, level: step.level };
    const to = uploadSegment(session.name, session.uuid, whole.id);
    await orTakenOver(session.uuid, driver.compose(sourcesOf(session, step.sources), to));
    made.push(whole);
    return compacted(session, [...step.kept, whole], made);
  };

  /** Stores the state with `segments`, and returns the session's size. */
  const keep = async (
    opened: OpenSession,
    segments: readonly Segment[],
    hashing: Hashing | undefined,
  ): Promise<number> => {
    const { session, file, state } = opened;
    if (segments === state.segments) {
      if (hashing?.from === opened.size) live.put(session.key, markOf(segments), hashing.digester);
      return opened.size;
    }
    const made = [...segments];
    const few = await compacted(session, segments, made);
    await file.replace(opened, { ...state, segments: few, digest: hashing?.digester.current() }, made);
    // Identified by the last segment's id and not by the size: another process may have stored as many other bytes.
    if (hashing !== undefined) live.put(session.key, markOf(few), hashing.digester);
    return sizeOf({ segments: few });
  };

  const append = async (opened: OpenSession, body: UploadBody, turn: Turn): Promise<SessionProgress> => {
    const { session, state } = opened;
    const hashing = hashingFor(opened);
    const { segments, failure } = await addToSegments(driver, session, { state, body, hashing, turn });
    const size = await keep(opened, segments, hashing);
    if (failure !== undefined) throw failure.error;
    return { size, startedAt: state.startedAt };
  };

  /** Adds the last bytes. They aren't written to the state, because nearly always they are part of the blob a moment later. */
  const finish = async (
    opened: OpenSession,
    wanted: Digest,
    body: UploadBody | undefined,
    turn: Turn,
  ): Promise<number> => {
    const { session, file, state } = opened;
    const { algorithm } = splitDigest(wanted);
    const hashing = hashingFor(opened, algorithm);
    const added =
      body === undefined
        ? { segments: state.segments, failure: undefined }
        : await addToSegments(driver, session, { state, body, hashing, turn });
    const { segments, failure } = added;
    if (failure !== undefined) {
      await keep(opened, segments, hashing);
      throw failure.error;
    }
    const actual = await digestOfAll(opened, segments, hashing, wanted, turn);
    const size = sizeOf({ segments });
    if (actual !== wanted) {
      await end(opened, segments);
      throw new StorageError({ code: "DIGEST_MISMATCH", expected: wanted, actual });
    }
    // From here on without a signal: nothing may stop it half way.
    const bring = async (target: string): Promise<void> => {
      await (size === 0
        ? driver.write(target, new Uint8Array(0))
        : driver.compose(sourcesOf(session, segments), target));
      await leaseStored(place, target);
    };
    try {
      await orTakenOver(session.uuid, becomeBlob(driver, { name: session.name, digest: wanted }, bring));
    } catch (error) {
      // The client needn't send the last bytes again, if the state can be stored; if not, the first failure is reported.
      await keep(opened, segments, hashing).catch(() => undefined);
      throw error;
    }
    await file.remove(state, segments);
    return size;
  };

  /** The digest of exactly the bytes of `segments`, if it is known from anywhere; otherwise they are read. */
  const digestOfAll = async (
    { session, state, size }: OpenSession,
    segments: readonly Segment[],
    hashing: Hashing | undefined,
    wanted: Digest,
    turn: Turn,
  ): Promise<Digest> => {
    const { algorithm } = splitDigest(wanted);
    const isUnchanged = segments === state.segments;
    if (isUnchanged && state.digest !== undefined && splitDigest(state.digest).algorithm === algorithm)
      return state.digest;
    if (hashing?.digester.algorithm === algorithm && (!isUnchanged || hashing.from === size)) {
      return hashing.digester.current();
    }
    const paths = sourcesOf(session, segments).map(({ path }) => path);
    return orTakenOver(session.uuid, digestOfFiles(driver, paths, algorithm, { signal: turn.signal }));
  };

  /** Ends a session with the wrong digest, unless another process has added bytes since it was read. */
  const end = async ({ file, state, version, session }: OpenSession, segments: readonly Segment[]): Promise<void> => {
    const empty: UploadState = { ...state, segments: [], digest: undefined };
    const added = segments.filter((one) => !state.segments.includes(one));
    try {
      await file.replace({ state, version }, empty);
    } finally {
      await file.discard(added);
    }
    live.drop(session.key);
    await file.remove(empty);
  };

  const finishWhole = async (opened: OpenSession, wanted: Digest, body: WholeBody, turn: Turn): Promise<number> => {
    const { session, file, state } = opened;
    try {
      await storeWhole(place, session, wanted, body, turn);
    } catch (error) {
      if (isStorageError(error, "DIGEST_MISMATCH")) await end(opened, []);
      throw error;
    }
    live.drop(session.key);
    await file.remove(state);
    return body.length;
  };

  return {
    start: async (session, { startedAt, algorithm }, call) => {
      const file = stateFileOf(driver, session);
      const state: UploadState = { startedAt, algorithm, segments: [], digest: undefined };
      try {
        await file.create(state, call);
      } catch (error) {
        await file.remove(state);
        throw error;
      }
      live.put(session.key, markOf([]), createDigester(algorithm));
      times.set(session.key, startedAt);
    },
    status: async (session, running, call) => {
      const startedAt = times.get(session.key);
      if (running !== undefined && startedAt !== undefined) return { size: running, startedAt };
      const { state, size } = await open(session, undefined, call);
      return { size: running ?? size, startedAt: state.startedAt };
    },
    append: async (session, body, turn) =>
      append(await open(session, body.offset, { signal: turn.signal }), body, turn),
    commit: async (session, digest, body, turn) => {
      const opened = await open(session, body?.offset, { signal: turn.signal });
      // A single write is limited in size, which is only known to suffice if the length was announced. Others may push the
      // same blob.
      const isWhole = opened.size === 0 && body?.length !== undefined && body.length <= driver.largestShared;
      return isWhole
        ? finishWhole(opened, digest, { ...body, length: body.length }, turn)
        : finish(opened, digest, body, turn);
    },
    // `cancel` looks it up.
    check: () => Promise.resolve(),
    cancel: async (session) => {
      const { file, state } = await open(session, undefined);
      live.drop(session.key);
      await file.remove(state);
    },
  };
}

/** Identifies all bytes of the list: a segment is created to follow one list, and is never part of another. */
function markOf(segments: readonly Segment[]): string {
  return segments.at(-1)?.id ?? "";
}
