import { createHash } from "node:crypto";
import { open, stat, type FileHandle } from "node:fs/promises";

/** The least time between two checks of a watched file (ms). */
const CHECK_INTERVAL = 1000;

/**
 * A file that changed less than this before it was read (ms) may change again within the clock's resolution and keep its
 * time and size: the next check reads it again.
 */
const UNSETTLED = 2000;

/** Why a directory can't be used as a file, and what to do. */
export const DIRECTORY_IN_PLACE =
  "it is a directory; container engines make one where a file to be mounted is missing on the host: remove it there, and create the file";

/** Options of {@link openWatchedFile}. */
export interface WatchedFileOptions<T> {
  readonly path: string;
  /** Parses the value; throws, with a message for people, if the bytes can't be used. */
  readonly parse: (bytes: Buffer) => T | Promise<T>;
  /** Milliseconds. */
  readonly clock: () => number;
  /** A larger file is refused. */
  readonly maxBytes: number;
  /** What the file held, and its value: it isn't read before the first check, then. */
  readonly start?: { readonly bytes: Buffer; readonly value: T } | undefined;
  /** Called after the value has been replaced. */
  readonly onChange?: ((value: T) => void) | undefined;
  /** Called once for each new reason why the file can't be used; the previous value stays in use. */
  readonly onUnusable?: ((reason: string) => void) | undefined;
}

/** The parsed content of a file, kept up to date. */
export interface WatchedFile<T> {
  /** The newest value that parsed; never waits. */
  readonly value: T;
  /**
   * Checks the file unless that happened within the last second. Only the caller that triggers a check gets a promise, so
   * that a hanging file system delays one request instead of all. It never rejects.
   */
  check(): Promise<void> | undefined;
  /** Reads the file whether or not it seems changed. Throws if it can't be read or parsed, and keeps the previous value. */
  reload(): Promise<void>;
}

interface Content {
  readonly bytes: Buffer;
  readonly stamp: string;
  readonly changed: number;
}

/** What is known of a file. */
interface Seen<T> {
  readonly value: T;
  readonly digest: string;
  /** Undefined: the next check reads it. */
  readonly stamp: string | undefined;
  readonly checkedAt: number;
}

function given<T>({ bytes, value }: { readonly bytes: Buffer; readonly value: T }): Seen<T> {
  return { value, digest: digestOf(bytes), stamp: undefined, checkedAt: Number.NEGATIVE_INFINITY };
}

/**
 * Reads `path`, and again after it has changed (inode, size, times), at most once a second and only on demand: there is no
 * watcher that could lose events or would have to be closed. Throws if the first reading fails.
 */
export async function openWatchedFile<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
  const { path, parse, clock, maxBytes, start, onChange, onUnusable } = options;
  let { value, digest, stamp, checkedAt } = start === undefined ? await readFirst() : given(start);
  let complaint: string | undefined;
  let pending = 0;
  let last = Promise.resolve();

  async function readFirst(): Promise<Seen<T>> {
    const content = await read(path, maxBytes);
    const parsed = await parse(content.bytes);
    return {
      value: parsed,
      digest: digestOf(content.bytes),
      stamp: settled(content, clock()),
      checkedAt: clock(),
    };
  }

  async function take(force: boolean): Promise<void> {
    const content = await read(path, maxBytes, force ? undefined : stamp);
    if (content === undefined) return;
    const next = settled(content, clock());
    const nextDigest = digestOf(content.bytes);
    if (nextDigest !== digest || complaint !== undefined) {
      value = await parse(content.bytes);
      digest = nextDigest;
      onChange?.(value);
    }
    stamp = next;
    complaint = undefined;
  }

  async function look(): Promise<void> {
    try {
      await take(false);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown fault";
      if (reason !== complaint) onUnusable?.(reason);
      complaint = reason;
    }
  }

  /** One reading at a time: an older one must not overwrite the result of a newer one. */
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
      // A clock that was set back must not stop the checks.
      if ((since >= 0 && since < CHECK_INTERVAL) || pending > 0) return undefined;
      checkedAt = now;
      return inTurn(look);
    },
    reload: () => inTurn(() => take(true)),
  };
}

/** Reports whether any of several files has changed since the previous check. */
export interface FileWatch {
  /** Checks the files now; true once for each change. */
  changed(): Promise<boolean>;
}

/**
 * Compares files by inode, size and times, and follows symbolic links: a file that is replaced by rename, overwritten, or
 * reached through a switched link (as Kubernetes mounts secrets) counts as changed. Being missing is a state like any other.
 */
export async function watchFiles(paths: readonly string[]): Promise<FileWatch> {
  let seen = await stampsOf(paths);
  return {
    async changed() {
      const now = await stampsOf(paths);
      if (now === seen) return false;
      seen = now;
      return true;
    },
  };
}

async function stampsOf(paths: readonly string[]): Promise<string> {
  const stamps = paths.map(async (path) => {
    try {
      return stampOf(await stat(path, { bigint: true }));
    } catch {
      return "missing";
    }
  });
  return (await Promise.all(stamps)).join(" ");
}

interface Stats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: Stats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64");
}

/** The stamp to compare with later; undefined while the file is too young for its times to tell. */
function settled(content: Content, now: number): string | undefined {
  return Math.abs(now - content.changed) < UNSETTLED ? undefined : content.stamp;
}

async function read(path: string, maxBytes: number): Promise<Content>;
async function read(path: string, maxBytes: number, known: string | undefined): Promise<Content | undefined>;
async function read(path: string, maxBytes: number, known?: string): Promise<Content | undefined> {
  const handle = await open(path, "r");
  try {
    // Of the opened file: a replacement in between must not pair one file's times with another's bytes.
    const stats = await handle.stat({ bigint: true });
    const stamp = stampOf(stats);
    if (stamp === known) return undefined;
    if (stats.isDirectory()) throw new Error(DIRECTORY_IN_PLACE);
    if (!stats.isFile()) throw new Error("it is not a regular file");
    const bytes = await readAtMost(handle, maxBytes);
    return { bytes, stamp, changed: Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs)) };
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
