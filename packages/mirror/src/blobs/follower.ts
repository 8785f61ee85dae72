import type { ContentStream } from "@longshore/storage";
import type { Changes } from "./changes.js";
import type { LentBytes, RecentBytes } from "./recent-bytes.js";

/** A download as its readers see it. */
export interface Followed {
  readonly changes: Changes;
  /** What memory holds of it; undefined: everything is read from the file. */
  readonly recent: Pick<RecentBytes, "start" | "end" | "lend"> | undefined;
  /** The offset up to which bytes may be given out. */
  readonly readable: number;
  readonly failure: Error | undefined;
  /** Opens what is in the file by now; undefined where there is none. */
  open(start: number, stop: number): Promise<ContentStream | undefined>;
  /** Called when a reader has moved on. */
  readonly onMove?: (() => void) | undefined;
}

/** What a reader has open. */
interface OpenFile {
  readonly stream: ContentStream;
  readonly chunks: AsyncIterator<Uint8Array>;
  /** Where its next chunk begins. */
  offset: number;
}

/** One reader of a download. */
export interface Follower {
  readonly position: { readonly offset: number };
  readonly stream: ContentStream;
  /** Opens the file for a reader that needs it, if it hasn't: what is open stays readable wherever the file goes. Never throws. */
  hold(): Promise<void>;
}

/**
 * Reads `start` to `stop` (exclusive) of a blob of `size` bytes: from memory what has just arrived, and from the file what has
 * passed. `onClose` is called once.
 */
export function createFollower(
  followed: Followed,
  { start, stop, size }: { readonly start: number; readonly stop: number; readonly size: number },
  signal: AbortSignal | undefined,
  onClose: () => void,
): Follower {
  const { changes, recent } = followed;
  const position = { offset: start };
  let lent: LentBytes | undefined;
  let file: OpenFile | undefined;
  let opening: Promise<void> | undefined;
  let closed = false;

  const isHeld = (offset: number): boolean => recent !== undefined && offset >= recent.start && offset < recent.end;

  const giveBack = (): void => {
    lent?.release();
    lent = undefined;
  };

  const leaveFile = async (): Promise<void> => {
    const left = file;
    file = undefined;
    await left?.stream.close();
  };

  /** Opens the file at the reader's place, once however many ask; a reader whose bytes have passed waits for it and stays there. */
  const openFile = (): Promise<void> => {
    const open = async (): Promise<void> => {
      const { offset } = position;
      const stream = await followed.open(offset, stop);
      if (stream === undefined) return;
      if (closed) await stream.close();
      else file = { stream, chunks: stream[Symbol.asyncIterator](), offset };
    };
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return opening;
  };

  /** The next bytes, not beyond `limit`, from the file; undefined where it doesn't have them yet. */
  const fromFile = async (limit: number): Promise<Uint8Array | undefined> => {
    const isOld = file?.offset === position.offset;
    // `hold` may have opened it where the reader was a moment ago.
    while (file?.offset !== position.offset) {
      await leaveFile();
      if (file === undefined) await openFile();
      if (file === undefined) return undefined;
    }
    const next = await file.chunks.next();
    if (next.done === true) {
      await leaveFile();
      // It ended where the file did when it was opened, which may have grown, or become a blob, since.
      return isOld ? fromFile(limit) : undefined;
    }
    file.offset += next.value.length;
    if (position.offset + next.value.length <= limit) return next.value;
    // Beyond what may be given out: the rest is read again when it may.
    const part = next.value.slice(0, limit - position.offset);
    await leaveFile();
    return part;
  };

  const next = async (): Promise<Uint8Array | undefined> => {
    giveBack();
    for (;;) {
      signal?.throwIfAborted();
      if (closed || position.offset >= stop) return undefined;
      const { version } = changes;
      if (followed.failure !== undefined) throw followed.failure;
      const limit = Math.min(stop, followed.readable);
      if (position.offset < limit) {
        if (file !== undefined && isHeld(position.offset)) await leaveFile();
        lent = recent?.lend(position.offset, limit);
        const chunk = lent?.bytes ?? (await fromFile(limit));
        if (chunk !== undefined) {
          position.offset += chunk.length;
          followed.onMove?.();
          return chunk;
        }
      }
      await changes.after(version, signal);
    }
  };

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    giveBack();
    onClose();
    await leaveFile();
  };

  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      try {
        const value = await next();
        if (value !== undefined) return { done: false, value };
      } catch (error) {
        await close();
        throw error;
      }
      await close();
      return { done: true, value: undefined };
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
  const hold = async (): Promise<void> => {
    if (file === undefined && !isHeld(position.offset)) await openFile().catch(() => undefined);
  };

  return { position, hold, stream: { size, close, [Symbol.asyncIterator]: () => iterator } };
}
