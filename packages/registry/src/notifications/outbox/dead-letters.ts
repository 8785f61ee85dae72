import { hasErrno } from "@longshore/base/errno";
import { open, rename, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { RegistryEvent } from "../../event-formats/event.js";
import { FILE_MODE, writeAt } from "./files.js";

/** Why an endpoint never got an event. */
export type DeadReason = "outbox-full" | "max-age" | "max-attempts";

/** One event that one endpoint never got. */
export interface DeadLetter {
  readonly endpoint: string;
  readonly reason: DeadReason;
  /** When delivery was given up (RFC 3339). */
  readonly at: string;
  /** How often this process sent it, and the last outcome. */
  readonly attempts: number;
  readonly error?: string | undefined;
  readonly event: RegistryEvent;
}

/** Keeps undeliverable events for people to inspect. */
export interface DeadLetters {
  /** Durable once it resolves. Rejects if it can't be written. */
  add(letters: readonly DeadLetter[]): Promise<void>;
  close(): Promise<void>;
}

/** Drops dead letters: used when nothing is to be kept on disk. */
export const noDeadLetters: DeadLetters = { add: () => Promise.resolve(), close: () => Promise.resolve() };

const NAME = "dead-letters.jsonl";
/** The number of files, the current one included; they share the bound equally. */
const FILES = 4;

/** JSON lines in `directory`, in files of `maxBytes` in total: the oldest is dropped to make room for a new one. */
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
        if (!hasErrno(error, "ENOENT")) throw error;
      });
    }
  };
  const write = async (letters: readonly DeadLetter[]): Promise<void> => {
    const bytes = Buffer.from(letters.map((letter) => `${JSON.stringify(letter)}\n`).join(""));
    const before = await stat(path).catch(() => undefined);
    // The file has been moved away for inspection.
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
