import { KIB, MIB } from "@longshore/base/size";
import { makeDirectories } from "@longshore/base/make-directories";
import { appendFile, rm } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** How many bytes are buffered for one file, and for all files together, before they are written. */
const FILE_BUFFER = 32 * KIB;
const ALL_BUFFERS = 8 * MIB;

/** Lists of lines that don't fit into memory, in a directory of this machine. One collection at a time uses it. */
export interface WorkFiles {
  /** Adds a line to the file `name`. */
  append(name: string, line: string): void;
  /** Writes the buffers if they have grown large. */
  settle(): Promise<void>;
  /** Writes all buffers. */
  flush(): Promise<void>;
  /** The lines of a flushed file in order; none if it doesn't exist. */
  lines(name: string): AsyncIterable<string>;
  /** Empties a file. */
  drop(name: string): Promise<void>;
  /** Removes everything. */
  remove(): Promise<void>;
}

/**
 * Work files in `directory`, which is created if necessary. Files of an earlier collection are removed: what they say about the
 * storage may no longer be true.
 */
export async function openEmptyWorkFiles(directory: string): Promise<WorkFiles> {
  await rm(directory, { recursive: true, force: true });
  await makeDirectories(directory);
  const waiting = new Map<string, string>();
  const written = new Set<string>();
  let bytes = 0;
  /** After a failed write lines are missing, so nothing may rely on the files any more. */
  let failure: Error | undefined;

  const write = async (name: string): Promise<void> => {
    if (failure !== undefined) throw failure;
    const text = waiting.get(name);
    if (text === undefined) return;
    waiting.delete(name);
    bytes -= text.length;
    written.add(name);
    try {
      await appendFile(join(directory, name), text);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(`${name} can't be written`);
      throw failure;
    }
  };

  const flush = async (): Promise<void> => {
    for (const name of [...waiting.keys()]) await write(name);
  };

  async function* lines(name: string): AsyncGenerator<string, void, undefined> {
    // For a small storage most files don't exist, and each would cost a system call.
    if (!written.has(name)) return;
    yield* createInterface({ input: createReadStream(join(directory, name)), crlfDelay: Infinity });
  }

  return {
    append: (name, line) => {
      waiting.set(name, `${waiting.get(name) ?? ""}${line}\n`);
      bytes += line.length + 1;
    },
    settle: async () => {
      if (bytes > ALL_BUFFERS) return flush();
      for (const [name, text] of [...waiting]) if (text.length > FILE_BUFFER) await write(name);
    },
    flush,
    lines,
    drop: async (name) => {
      bytes -= waiting.get(name)?.length ?? 0;
      waiting.delete(name);
      if (written.delete(name)) await rm(join(directory, name), { force: true });
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
