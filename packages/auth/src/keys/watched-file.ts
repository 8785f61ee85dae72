import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import type { AuthLog, Clock } from "../ports.js";

/** How often a file is looked at, at the most. */
const CHECK_INTERVAL = 1000;

/**
 * A file that changed less than this before it was read may change again within the clock's grain, with its time and size
 * kept: it is read again at the next look.
 */
const UNSETTLED = 2000;

/** What {@link openWatchedFile} wants to know. Times in milliseconds. */
export interface WatchedFileOptions<T> {
  readonly path: string;
  /** What it is, for the log: `htpasswd`, `rootcertbundle`. */
  readonly label: string;
  /** Makes the value; throws, with a message for people, where the bytes are no such thing. */
  readonly parse: (bytes: Buffer) => T | Promise<T>;
  readonly log: AuthLog;
  readonly clock: Clock;
  readonly maxBytes: number;
  /** Told after the value was replaced. */
  readonly onChange?: ((value: T) => void) | undefined;
}

/** A file's parsed content that follows the file. */
export interface WatchedFile<T> {
  /** The newest value that parsed; never waits. */
  readonly value: T;
  /**
   * Looks at the file unless somebody did within the last second. The promise is there only for the caller that set off a
   * look, so that a file system that hangs holds up one request and not all; it never rejects.
   */
  check(): Promise<void> | undefined;
  /** Reads the file whatever its times say. Throws where it can't be read or parsed, and keeps what it had. */
  reload(): Promise<void>;
}

interface Content {
  readonly bytes: Buffer;
  readonly identity: string;
  readonly changed: number;
}

/**
 * Reads `path` now and again when it has changed (inode, size, times), at most once a second and only when asked; there is
 * no watcher to lose events or to close. What doesn't parse is logged once and the old value kept. Throws where the first
 * reading fails.
 */
export async function openWatchedFile<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
  const { path, label, parse, log, clock, maxBytes, onChange } = options;
  const first = await read(path, maxBytes);
  let value = await parse(first.bytes);
  let digest = digestOf(first.bytes);
  let identity = settled(first, clock());
  let checkedAt = clock();
  let complaint: string | undefined;
  let pending = 0;
  let last = Promise.resolve();

  async function take(force: boolean): Promise<void> {
    const content = await read(path, maxBytes, force ? undefined : identity);
    if (content === undefined) return;
    const next = settled(content, clock());
    const nextDigest = digestOf(content.bytes);
    if (nextDigest !== digest || complaint !== undefined) {
      value = await parse(content.bytes);
      digest = nextDigest;
      onChange?.(value);
      log.info(`${label} has changed and is in use`, { path });
    }
    identity = next;
    complaint = undefined;
  }

  async function look(): Promise<void> {
    try {
      await take(false);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown fault";
      if (reason !== complaint) log.error(`${label} can't be used; what it held before stays`, { path, error: reason });
      complaint = reason;
    }
  }

  /** One reading at a time: an older one must not overwrite what a newer one found. */
  function inTurn(action: () => Promise<void>): Promise<void> {
    pending += 1;
    const turn = last.then(async () => {
      try {
        await action();
      } finally {
        pending -= 1;
      }
    });
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    get value() {
      return value;
    },
    check() {
      const now = clock();
      const since = now - checkedAt;
      // A clock that was set back must not stop the looking.
      if ((since >= 0 && since < CHECK_INTERVAL) || pending > 0) return undefined;
      checkedAt = now;
      return inTurn(look);
    },
    reload: () => inTurn(() => take(true)),
  };
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64");
}

/** The identity to compare with later; undefined where the file is too young for its times to tell. */
function settled(content: Content, now: number): string | undefined {
  return Math.abs(now - content.changed) < UNSETTLED ? undefined : content.identity;
}

async function read(path: string, maxBytes: number): Promise<Content>;
async function read(path: string, maxBytes: number, known: string | undefined): Promise<Content | undefined>;
async function read(path: string, maxBytes: number, known?: string): Promise<Content | undefined> {
  const handle = await open(path, "r");
  try {
    // Of the opened file, so that a replacement in between can't join one file's times with another's bytes.
    const stat = await handle.stat({ bigint: true });
    const identity = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":");
    if (identity === known) return undefined;
    if (!stat.isFile()) throw new Error("it is not a regular file");
    const bytes = await readAtMost(handle, maxBytes);
    return { bytes, identity, changed: Math.max(Number(stat.mtimeMs), Number(stat.ctimeMs)) };
  } finally {
    await handle.close();
  }
}

async function readAtMost(handle: FileHandle, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of handle.createReadStream({ autoClose: false, end: maxBytes })) {
    if (!Buffer.isBuffer(chunk)) throw new Error("it can't be read as bytes");
    chunks.push(chunk);
    size += chunk.length;
  }
  if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
  return Buffer.concat(chunks);
}
