import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Bytes that wait for a file, and for all of them together, before they are written. */
const FILE_BUFFER = 32 * 1024;
const ALL_BUFFERS = 8 * 1024 * 1024;

/** Lists of lines that don't fit into memory, in a directory of this machine. One collection at a time uses it. */
export interface WorkFiles {
  /** Adds a line to the file `name`. */
  append(name: string, line: string): void;
  /** Writes what is waiting, where it has become much. */
  settle(): Promise<void>;
  /** Writes all that is waiting. */
  flush(): Promise<void>;
  /** The lines of a flushed file in order; none where there is no such file. */
  lines(name: string): AsyncIterable<string>;
  /** Empties a file. */
  drop(name: string): Promise<void>;
  /** The note that the last collection left, undefined where there is none that can be read. */
  readNote(): Promise<unknown>;
  /** Leaves a note, in place of the last one, at once or not at all. */
  writeNote(note: unknown): Promise<void>;
  /** Removes everything. */
  remove(): Promise<void>;
}

/** Work files in `directory`, which is made where it is missing. */
export async function openWorkFiles(directory: string): Promise<WorkFiles> {
  await mkdir(directory, { recursive: true });
  const waiting = new Map<string, string>();
  const written = new Set(await readdir(directory));
  /** Of an earlier collection, which may have been cut off within a line: what is added begins a new one. */
  const old = new Set(written);
  let bytes = 0;
  /** After a write that failed, lines are missing: nothing that says they are there may follow. */
  let failure: Error | undefined;

  const write = async (name: string): Promise<void> => {
    if (failure !== undefined) throw failure;
    const text = waiting.get(name);
    if (text === undefined) return;
    waiting.delete(name);
    bytes -= text.length;
    written.add(name);
    try {
      await appendFile(join(directory, name), old.delete(name) ? `\n${text}` : text);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(`${name} can't be written`);
      throw failure;
    }
  };

  const flush = async (): Promise<void> => {
    for (const name of [...waiting.keys()]) await write(name);
  };

  async function* lines(name: string): AsyncGenerator<string, void, undefined> {
    // Most of a small store's files aren't there, and each would cost a look.
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
    readNote: async () => {
      try {
        return JSON.parse(await readFile(join(directory, "note.json"), "utf8")) as unknown;
      } catch {
        return undefined;
      }
    },
    writeNote: async (note) => {
      const path = join(directory, "note.json");
      await writeFile(`${path}.new`, JSON.stringify(note));
      await rename(`${path}.new`, path);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
