import { open, rename, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { RegistryEvent } from "../events/event.js";
import { FILE_MODE, hasCode, writeAt } from "./files.js";

/** Why an endpoint never got an event. */
export type DeadReason = "outbox-full" | "max-age" | "max-attempts";

/** One event that one endpoint never got. */
export interface DeadLetter {
  readonly endpoint: string;
  readonly reason: DeadReason;
  /** RFC 3339, when it was given up. */
  readonly at: string;
  /** How often it was sent, and what came of it at last; by this process. */
  readonly attempts: number;
  readonly error?: string | undefined;
  readonly event: RegistryEvent;
}

/** Keeps what couldn't be delivered, for people. */
export interface DeadLetters {
  /** Durable when it resolves. Rejects where it can't be written. */
  add(letters: readonly DeadLetter[]): Promise<void>;
  close(): Promise<void>;
}

/** Dropped as they come: nothing is written where nothing is to be kept on a disk. */
export const noDeadLetters: DeadLetters = { add: () => Promise.resolve(), close: () => Promise.resolve() };

const NAME = "dead-letters.jsonl";
/** The current file and the older ones: each has its share of the bound. */
const FILES = 4;

/** JSON lines in `directory`, in files that take `maxBytes` together: the oldest is dropped for a new one. */
export function openDeadLetters(directory: string, maxBytes: number): DeadLetters {
  const path = join(directory, NAME);
  const share = Math.max(Math.floor(maxBytes / FILES), 1);
  let handle: FileHandle | undefined;
  let size = 0;
  let work: Promise<void> = Promise.resolve();

  const current = async (): Promise<FileHandle> => {
    if (handle !== undefined) return handle;
    handle = await open(path, "a", FILE_MODE);
    size = (await handle.stat()).size;
    return handle;
  };
  const rotate = async (): Promise<void> => {
    await handle?.close();
    handle = undefined;
    for (let age = FILES - 1; age > 0; age -= 1) {
      const from = age === 1 ? path : `${path}.${age - 1}`;
      await rename(from, `${path}.${age}`).catch((error: unknown) => {
        if (!hasCode(error, "ENOENT")) throw error;
      });
    }
  };
  const write = async (letters: readonly DeadLetter[]): Promise<void> => {
    const bytes = Buffer.from(letters.map((letter) => `${JSON.stringify(letter)}\n`).join(""));
    const before = await stat(path).catch(() => undefined);
    // Somebody has taken the file away to look at it.
    if (handle !== undefined && before?.ino !== (await handle.stat()).ino) {
      await handle.close();
      handle = undefined;
    }
    await current();
    if (size > 0 && size + bytes.byteLength > share) await rotate();
    const file = await current();
    await writeAt(file, bytes, size);
    await file.datasync();
    size += bytes.byteLength;
  };

  return {
    add(letters) {
      const added = work.then(() => write(letters));
      work = added.catch(() => undefined);
      return added;
    },
    async close() {
      await work;
      await handle?.close();
      handle = undefined;
    },
  };
}
