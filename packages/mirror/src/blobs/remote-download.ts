import { setTimeout as delay } from "node:timers/promises";
import { isStorageError, type ContentStream } from "@longshore/storage";
import { BEAT, type LeaseHolder } from "../leases/leases.js";
import { createChanges } from "./changes.js";
import type { ClaimNote } from "./claims.js";
import type { Download, DownloadOutcome } from "./download.js";
import { createFollower, type Followed } from "./follower.js";
import { openGrowing } from "./growing-file.js";
import type { Spool } from "./spool.js";

/** What following another process's download needs. */
export interface RemoteParts {
  readonly spool: Spool;
  /** What the other process says. */
  readonly note: ClaimNote;
  readonly look: () => Promise<LeaseHolder<ClaimNote> | undefined>;
  /** The size of the blob if it is stored by now. */
  readonly storedSize: () => Promise<number | undefined>;
  readonly openStored: (start: number, stop: number) => Promise<ContentStream>;
  readonly signal: AbortSignal;
}

/** The process that downloaded a blob for all has ended, or its download has failed. */
export class HolderLostError extends Error {
  override readonly name = "HolderLostError";
  /** What it wrote; undefined where the download failed, and what it wrote is worth nothing. */
  readonly file: string | undefined;

  constructor(file: string | undefined) {
    super("another process downloaded the blob, and didn't finish; pull it again");
    this.file = file;
  }
}

/** Between two looks at the file, and at what its process says (ms). */
const FILE_LOOK = 30;
const HOLDER_LOOK = 250;

/**
 * A download of another process, by the file that it writes. The last byte comes when that process has verified and stored them all. If it
 * dies or fails, readers get a {@link HolderLostError}.
 */
export function followRemote({ spool, note, signal, ...parts }: RemoteParts): Download {
  const { file } = note;
  const changes = createChanges();
  const positions = new Set<{ readonly offset: number }>();
  let { size } = note;
  let length = 0;
  let isStored = false;
  let failure: Error | undefined;

  const lookAtFile = async (): Promise<boolean> => {
    try {
      const info = await spool.files.stat(file);
      if (info.size > length) {
        length = info.size;
        changes.announce();
      }
      return true;
    } catch (error) {
      if (isStorageError(error, "PATH_NOT_FOUND")) return false;
      throw error;
    }
  };

  const isFinished = async (): Promise<boolean> => {
    const stored = await parts.storedSize();
    if (stored === undefined) return false;
    size = stored;
    isStored = true;
    changes.announce();
    return true;
  };

  const watch = async (): Promise<void> => {
    let lookAt = 0;
    let wantAt = 0;
    for (;;) {
      const isThere = await lookAtFile();
      if (!isThere && (await isFinished())) return;
      const now = performance.now();
      if (positions.size > 0 && now >= wantAt) {
        wantAt = now + BEAT;
        await spool.want(file);
      }
      if (now >= lookAt) {
        lookAt = now + (size === undefined ? FILE_LOOK : HOLDER_LOOK);
        const holder = await parts.look();
        if (holder?.note.file === file && holder.isAlive) {
          if (size === undefined && holder.note.size !== undefined) {
            ({ size } = holder.note);
            changes.announce();
          }
        } else if (await isFinished()) return;
        // A failure removes the claim. Its process has logged the reason, which this one finds out for itself.
        else throw new HolderLostError(holder === undefined ? undefined : file);
      }
      await delay(FILE_LOOK, undefined, { signal });
    }
  };

  const ended = watch().then(
    (): DownloadOutcome => ({ isStored: true }),
    (error: unknown): DownloadOutcome => {
      failure = error instanceof Error ? error : new Error(String(error));
      changes.announce();
      return { isStored: false, error: failure };
    },
  );

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
    // Everything is read from the file: what one process has just written is in the system's memory.
    recent: undefined,
    get readable() {
      if (size === undefined) return 0;
      return isStored ? size : Math.min(length, size - 1);
    },
    get failure() {
      return failure;
    },
    open: (start, stop) =>
      isStored ? parts.openStored(start, stop) : openGrowing(spool.files, file, start, Math.min(stop, length)),
  };
  const sizeKnown = knownSize();
  sizeKnown.catch(() => undefined);
  return {
    size: sizeKnown,
    get received() {
      return length;
    },
    ended,
    continues: note.continues,
    canServe: () => failure === undefined,
    read: (start, stop, readerSignal) => {
      const follower = createFollower(followed, { start, stop, size: size ?? stop }, readerSignal, () =>
        positions.delete(follower.position),
      );
      positions.add(follower.position);
      return follower.stream;
    },
  };
}
