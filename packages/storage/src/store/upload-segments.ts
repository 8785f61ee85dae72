import { LRUCache } from "lru-cache";
import { randomUUID } from "node:crypto";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import type { ObjectStorage, SourceFile } from "../contract/object-storage.js";
import type { UploadBody } from "../contract/upload-store.js";
import { isStorageError, StorageError } from "../errors.js";
import { uploadSegment } from "../layout/paths.js";
import { createDigester, splitDigest, type Digest, type DigestAlgorithm } from "../model/digest.js";
import { addToSegments, carriedSegment, type Hashing } from "./upload-addition.js";
import { becomeBlob, type BlobPlace } from "./upload-commit.js";
import { nextCompaction } from "./upload-compaction.js";
import { createLiveDigesters, digestOfFiles } from "./upload-digests.js";
import { REMEMBERED_SESSIONS, type Session, type SessionProgress, type UploadProtocol } from "./upload-protocol.js";
import { orTakenOver } from "./upload-segment-writer.js";
import { stateFileOf, type LoadedState, type StateFile } from "./upload-state-file.js";
import { sizeOf, type Segment, type UploadState } from "./upload-state.js";
import type { Turn } from "./upload-turns.js";
import { storeWhole, type WholeBody } from "./upload-whole.js";

/** A session as a request found it. */
interface OpenSession extends LoadedState {
  readonly session: Session;
  readonly file: StateFile;
  /** Bytes. */
  readonly size: number;
}

/**
 * Sessions over object storage, where nothing can be renamed or appended to: bytes are in segments that nobody changes, and
 * one small file, replaced at once, says which of them count (docs/architecture.md §Uploads over object storage).
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

  /** The hash to go on with; undefined where bytes were hashed elsewhere: then all are read once, at commit. */
  const hashingFor = ({ session, state, size }: OpenSession, wanted?: DigestAlgorithm): Hashing | undefined => {
    const running = live.take(session.key, markOf(state.segments));
    if (running !== undefined && (wanted === undefined || running.algorithm === wanted)) {
      return { digester: running, from: size };
    }
    const isReadAnyway = size === 0 || (state.segments.length === 1 && carriedSegment(driver, state) !== undefined);
    return isReadAnyway ? { digester: createDigester(wanted ?? state.algorithm), from: 0 } : undefined;
  };

  /** Puts segments together while they are too many, and adds what that makes to `made`. */
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

  /** Makes `segments` the session's, and tells how many bytes that are. */
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
    // By the last segment's id, not by the size: a list that another process made may be as long, of other bytes.
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

  /** Adds the last bytes. No state names them: nearly always they are the blob's a moment later. */
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
    // From here on nothing ends it half way: no signal.
    const bring = (target: string): Promise<void> =>
      size === 0 ? driver.write(target, new Uint8Array(0)) : driver.compose(sourcesOf(session, segments), target);
    try {
      await orTakenOver(session.uuid, becomeBlob(place, { name: session.name, digest: wanted, size }, bring));
    } catch (error) {
      // What came isn't asked for again; whether that could be done is nothing to tell.
      await keep(opened, segments, hashing).catch(() => undefined);
      throw error;
    }
    await file.remove(state, segments);
    return size;
  };

  /** The digest of exactly the bytes of `segments`, from whoever hashed them; what nobody vouches for is read. */
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

  /** Ends a session that can never become what it should. Only as it was found: what another process added stays. */
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
      await stateFileOf(driver, session).create({ startedAt, algorithm, segments: [], digest: undefined }, call);
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
      // A file has no room for more, and whether it has shows too late where no length is announced.
      const isWhole = opened.size === 0 && body?.length !== undefined && body.length <= driver.largestWrite;
      return isWhole
        ? finishWhole(opened, digest, { ...body, length: body.length }, turn)
        : finish(opened, digest, body, turn);
    },
    // Looked up once, by `cancel`.
    check: () => Promise.resolve(),
    cancel: async (session) => {
      const { file, state } = await open(session, undefined);
      live.drop(session.key);
      await file.remove(state);
    },
  };
}

/** Stands for all bytes up to the end of the list: a segment is made to follow one list, and is in no other. */
function markOf(segments: readonly Segment[]): string {
  return segments.at(-1)?.id ?? "";
}
