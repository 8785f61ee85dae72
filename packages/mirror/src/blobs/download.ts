import {
  createDigester,
  isStorageError,
  splitDigest,
  type ContentStream,
  type Digest,
  type StorageError,
} from "@longshore/storage";
import type { UpstreamBlob } from "../upstream/contract.js";
import { UpstreamError } from "../upstream/errors.js";
import type { BlockPool } from "./block-pool.js";
import { createChanges } from "./changes.js";
import { createFollower, type Followed, type Follower } from "./follower.js";
import type { GrowingFile } from "./growing-file.js";
import { createRecentBytes } from "./recent-bytes.js";

/** What a download needs. */
export interface DownloadParts {
  /** The upstream's name in errors. */
  readonly upstream: string;
  readonly digest: Digest;
  /** Begins the download; resolves with the upstream's headers. */
  readonly open: (signal: AbortSignal) => Promise<UpstreamBlob>;
  /** Where the bytes are kept while they arrive. Throws StorageError. */
  readonly createFile: () => Promise<GrowingFile>;
  /** Opens the blob once it is stored. */
  readonly openStored: (start: number, stop: number) => Promise<ContentStream>;
  /** Bytes that are held in memory for all readers. */
  readonly windowBytes: number;
  readonly pool: BlockPool;
  /** For how long (ms) a download goes on that nobody reads. */
  readonly linger: number;
  readonly onBytes: (count: number) => void;
  /** The upstream has told the blob's size. */
  readonly onSize?: ((size: number) => void) | undefined;
  /** The blob is served, and can't be stored. */
  readonly onNotStored: (error: unknown) => void;
  readonly continues?: string | undefined;
}

/** How a download ended: with `error` where it failed. Without, its clients have the blob, stored or not. */
export interface DownloadOutcome {
  readonly isStored: boolean;
  readonly error?: Error | undefined;
}

/** A blob on its way from the upstream into the storage, read by any number of clients meanwhile. */
export interface Download {
  /** The blob's size in bytes, when the upstream has told it or everything has arrived. Throws what the download throws before. */
  readonly size: Promise<number>;
  /** Bytes that have arrived. */
  readonly received: number;
  /** Resolves when nothing is under way any more. Never rejects. */
  readonly ended: Promise<DownloadOutcome>;
  /** The file of another process whose first bytes are those of this download. */
  readonly continues?: string | undefined;
  /** Whether bytes from `start` on can still be read. Not of a blob that can't be stored, once they have passed. */
  canServe(start: number): boolean;
  /** Goes on for a while as though a client had just left: another process reads, too. */
  want?(): void;
  /**
   * Reads from `start` to `stop` (exclusive). The last byte comes only when the digest of all of them has been verified: what is
   * wrong ends with an error, which breaks the client's connection, and never as if it were whole.
   */
  read(start: number, stop: number, signal: AbortSignal | undefined): ContentStream;
}

/** Begins to download. */
export function startDownload(parts: DownloadParts): Download {
  const { digest, upstream } = parts;
  const changes = createChanges();
  /** Announces that a reader has moved on, joined or left, which other readers needn't know. */
  const progress = createChanges();
  /** Stays when `file` is left: it may still be writing. */
  let written: Pick<GrowingFile, "flushed"> = { flushed: Number.POSITIVE_INFINITY };
  const recent = createRecentBytes(parts.windowBytes, parts.pool, () => written.flushed);
  const abort = new AbortController();
  const followers = new Set<Follower>();
  let file: GrowingFile | undefined;
  /** Once set, nothing is written any more, and the file is there only for readers who are behind. */
  let notStored: StorageError | undefined;
  let isStored = false;
  let verified = false;
  let failure: Error | undefined;
  let size: number | undefined;
  let lingering: NodeJS.Timeout | undefined;
  let hasEnded = false;

  const linger = (): void => {
    clearTimeout(lingering);
    if (followers.size > 0 || verified) return;
    const reason = new UpstreamError(upstream, {
      code: "UNAVAILABLE",
      reason: "no client is waiting any more",
      retryAfter: 1,
    });
    lingering = setTimeout(() => abort.abort(reason), parts.linger).unref();
  };

  /** Nobody comes to a download that has ended: when the last reader leaves, memory is free for others. */
  const freeMemory = (): void => {
    if (hasEnded && followers.size === 0) recent.clear();
  };

  const giveUpStoring = (error: unknown): void => {
    if (!isStorageError(error)) throw error;
    notStored = error;
    parts.onNotStored(error);
  };

  const awaitProgress = async (isAwaited: () => boolean): Promise<void> => {
    for (let { version } = progress; isAwaited(); { version } = progress) await progress.after(version, abort.signal);
  };

  /** Discards the file of a blob that can't be stored when the last reader that needs it has reached what memory holds. */
  const discardFile = async (): Promise<void> => {
    if (file === undefined) return;
    await awaitProgress(() => [...followers].some(({ position }) => position.offset < recent.start));
    const passed = file;
    file = undefined;
    await passed.discard();
  };

  /** Without a file the slowest reader sets the pace; with one it reads behind the others from the file. */
  const awaitReaders = async (): Promise<void> => {
    await discardFile();
    await awaitProgress(
      () =>
        followers.size === 0 ||
        [...followers].some(({ position }) => recent.end - position.offset > parts.windowBytes / 2),
    );
  };

  const keep = async (chunks: readonly Uint8Array[]): Promise<void> => {
    try {
      for (const chunk of chunks) if (notStored === undefined) await file?.write(chunk);
    } catch (error) {
      giveUpStoring(error);
    }
  };

  const invalid = (reason: string): UpstreamError => new UpstreamError(upstream, { code: "INVALID_ANSWER", reason });

  const receive = async (blob: UpstreamBlob): Promise<void> => {
    const digester = createDigester(splitDigest(digest).algorithm);
    for await (const chunk of blob) {
      // Before memory takes the chunk and lets go of others: a reader that has just joined may need these.
      if (notStored !== undefined) await awaitReaders();
      abort.signal.throwIfAborted();
      if (recent.end + chunk.length > blob.size) throw invalid("the blob is longer than announced");
      const copies = recent.push(chunk, blob.size - recent.end);
      parts.onBytes(chunk.length);
      const kept = keep(copies);
      digester.update(chunk);
      changes.announce();
      await kept;
    }
    if (recent.end !== blob.size) throw invalid("the blob is shorter than announced");
    const actual = digester.current();
    if (actual !== digest) throw invalid(`requested ${digest}, received ${actual}`);
    size = recent.end;
    verified = true;
    clearTimeout(lingering);
    changes.announce();
  };

  const store = async (): Promise<void> => {
    if (notStored !== undefined || file === undefined) return;
    try {
      // Once it is stored it can be evicted: those who are behind keep what they read from.
      await Promise.all([...followers].map((follower) => follower.hold()));
      await file.become(digest);
      isStored = true;
      changes.announce();
    } catch (error) {
      giveUpStoring(error);
    }
  };

  const run = async (): Promise<void> => {
    const blob = await parts.open(abort.signal);
    try {
      size = blob.size;
      parts.onSize?.(blob.size);
      changes.announce();
      file = await parts.createFile().catch((error: unknown) => {
        giveUpStoring(error);
        return undefined;
      });
      if (file !== undefined) written = file;
      await receive(blob);
    } finally {
      await blob.close();
    }
    await store();
    if (notStored !== undefined) await discardFile();
  };

  const end = async (): Promise<DownloadOutcome> => {
    try {
      await run();
      return { isStored };
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      clearTimeout(lingering);
      changes.announce();
      await file?.discard();
      return { isStored: false, error: failure };
    } finally {
      hasEnded = true;
      freeMemory();
    }
  };
  const ended = end();

  const knownSize = async (): Promise<number> => {
    for (;;) {
      const { version } = changes;
      if (failure !== undefined) throw failure;
      if (size !== undefined) return size;
      await changes.after(version);
    }
  };

  const followed: Followed = {
    changes,
    recent,
    get readable() {
      return verified ? recent.end : Math.max(0, recent.end - 1);
    },
    get failure() {
      return failure;
    },
    open: async (start, stop) => {
      if (isStored) return parts.openStored(start, stop);
      const stream = await file?.open(start, stop);
      // What this reader needs has passed, and is nowhere.
      if (stream === undefined && notStored !== undefined) throw notStored;
      return stream;
    },
    onMove: () => progress.announce(),
  };
  const sizeKnown = knownSize();
  sizeKnown.catch(() => undefined);
  linger();
  return {
    size: sizeKnown,
    get received() {
      return recent.end;
    },
    ended,
    continues: parts.continues,
    want: linger,
    canServe: (start) => failure === undefined && (notStored === undefined || start >= recent.start),
    read: (start, stop, signal) => {
      const follower = createFollower(followed, { start, stop, size: size ?? stop }, signal, () => {
        followers.delete(follower);
        freeMemory();
        // Ends what the reader itself still waits for.
        changes.announce();
        progress.announce();
        linger();
      });
      followers.add(follower);
      linger();
      progress.announce();
      return follower.stream;
    },
  };
}
