import { setImmediate } from "node:timers/promises";
import { KIB } from "@longshore/base/size";
import { z } from "zod";
import { LONGEST_PATH, type TarEntry, type TarEntryType } from "./tar-entries.js";

/** A table that is none, or says what no real one does. */
export class TableDamaged extends Error {
  override readonly name = "TableDamaged";
}

/** What one entry may take (bytes); extended attributes have 64 KiB at most. */
const LONGEST_ENTRY = 128 * KIB;
/** Objects and arrays within each other, the table included. */
const DEEPEST = 16;
/** Others get a turn after so many bytes. */
const TURN = 64 * KIB;

const [QUOTE, BACKSLASH, BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];
const [COLON, COMMA] = [0x3a, 0x2c];
const ENTRIES = "entries";
/** As long as the key may be, each letter as an escape of six bytes; one more shows that it is longer. */
const LONGEST_KEY = 6 * ENTRIES.length + 1;

/** A further piece of the file before it. */
export const CHUNK = "chunk";

/** What an entry of a table is. */
export type TableEntry = TarEntry | typeof CHUNK;

/**
 * The entries of a table of contents in JSON, `{"version":1,"entries":[…]}`, as those of eStargz and zstd:chunked are. The whole is never
 * parsed at once: how much memory JSON takes depends on what it says. Keys count as they do for the clients that mount such layers, which
 * are written in Go; where these could see another list, the table is damaged. Throws {@link TableDamaged}, what `chunks` throws, and
 * the reason of `signal`.
 */
export async function* readTableEntries(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<TableEntry, void> {
  const scanner = createScanner();
  let work = 0;
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; offset += TURN) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset + offset, Math.min(TURN, chunk.length - offset));
      for (const text of scanner.scan(bytes)) yield entryOf(text);
      work += bytes.length;
      if (work < TURN) continue;
      work = 0;
      await setImmediate(undefined, { signal });
    }
  }
  scanner.end();
}

/** Finds the texts of entries in JSON that comes in pieces. */
interface Scanner {
  /** Those that end within `bytes`. */
  scan(bytes: Buffer): Generator<string, void>;
  /** Throws {@link TableDamaged} if the JSON hasn't ended, or had no list of entries. */
  end(): void;
}

function createScanner(): Scanner {
  const texts = createTexts();
  let depth = 0;
  let isWithin = false;
  /** Whether the table had the key, whether its value comes next, and whether that was a list. */
  let isFound = false;
  let isNext = false;
  let isList = false;
  let isEnded = false;
  /** The entry that hasn't ended yet. */
  let parts: Buffer[] | undefined;
  let length = 0;

  const keep = (part: Buffer): void => {
    length += part.length;
    if (length > LONGEST_ENTRY) throw new TableDamaged("an entry of the table is too long");
    parts?.push(Buffer.from(part));
  };
  /** Whether an entry begins. */
  const begin = (byte: number): boolean => {
    const isEntry = byte === BRACE && depth === 2 && isWithin;
    if (isEnded) throw new TableDamaged("there is something after a table");
    if (byte === BRACKET && depth === 1 && isNext) isWithin = isList = true;
    if (depth === 1) isNext = false;
    depth += 1;
    if (depth > DEEPEST) throw new TableDamaged("a table is nested too deeply");
    return isEntry;
  };
  /** What is between values. */
  const separate = (byte: number): void => {
    if (depth !== 1) return;
    isNext = byte === COLON && folded(texts.key()) === ENTRIES;
    if (isNext && isFound) throw new TableDamaged("a table has two lists of entries");
    isFound ||= isNext;
  };
  /** Whether an entry ends. */
  const finish = (): boolean => {
    depth -= 1;
    if (depth < 0) throw new TableDamaged("a table ends more often than it begins");
    if (depth === 1) isWithin = false;
    isEnded = depth === 0;
    return depth === 2 && parts !== undefined;
  };

  return {
    *scan(bytes) {
      let start = 0;
      for (let index = 0; index < bytes.length; index += 1) {
        const byte = bytes[index] ?? 0;
        if (texts.take(byte, depth === 1)) continue;
        if (byte === BRACE || byte === BRACKET) {
          if (begin(byte)) [parts, length, start] = [[], 0, index];
        } else if ((byte === BRACE_END || byte === BRACKET_END) && finish()) {
          keep(bytes.subarray(start, index + 1));
          const text = Buffer.concat(parts ?? []).toString();
          parts = undefined;
          yield text;
        } else if (byte === COLON || byte === COMMA) separate(byte);
      }
      if (parts !== undefined) keep(bytes.subarray(start));
    },
    end() {
      if (depth !== 0 || texts.isOpen() || !isList) throw new TableDamaged("a table has no end, or no entries");
    },
  };
}

/** Keeps what is in quotes apart from the rest. */
function createTexts() {
  let isText = false;
  let isEscaped = false;
  /** As it is written, a character for each byte. */
  let key = "";
  return {
    /** Whether `byte` is of a text; `isTop`: of one that may be a key at the top. */
    take(byte: number, isTop: boolean): boolean {
      if (!isText) {
        if (byte !== QUOTE) return false;
        isText = true;
        if (isTop) key = "";
        return true;
      }
      if (isEscaped) isEscaped = false;
      else if (byte === BACKSLASH) isEscaped = true;
      else if (byte === QUOTE) isText = false;
      if (isText && isTop && key.length < LONGEST_KEY) key += String.fromCharCode(byte);
      return true;
    },
    /** The last text at the top: the key of the value that follows. Only as much as can be a key that is wanted. */
    key: () => (key.length < LONGEST_KEY ? decodedKey(key) : ""),
    isOpen: () => isText,
  };
}

function decodedKey(written: string): string {
  const text = Buffer.from(written, "latin1").toString();
  if (!text.includes("\\")) return text;
  try {
    return z.string().parse(JSON.parse(`"${text}"`));
  } catch (error) {
    throw new TableDamaged("a table has a key that is none", { cause: error });
  }
}

/** Go's encoding/json takes keys for the same regardless of case, by Unicode's simple folding: also with U+017F (s) and U+212A (k). */
const folded = (key: string): string => key.toLowerCase().replaceAll("\u017f", "s");

const TYPES: Readonly<Record<string, TarEntryType>> = {
  reg: "file",
  dir: "directory",
  symlink: "symlink",
  hardlink: "link",
  char: "character-device",
  block: "block-device",
  fifo: "fifo",
};

const path = z.string().refine((text) => Buffer.byteLength(text) <= LONGEST_PATH && !text.includes("\0"));
const schema = z.object({
  name: path,
  type: z.string(),
  linkName: path.optional(),
  size: z.int().nonnegative().optional(),
  mode: z.int().nonnegative().optional(),
});

const NAMES: ReadonlyMap<string, string> = new Map(Object.keys(schema.shape).map((name) => [folded(name), name]));

function entryOf(text: string): TableEntry {
  const { name, type: written, linkName = "", size = 0, mode = 0 } = parsed(text);
  if (written === CHUNK) return CHUNK;
  const type = Object.hasOwn(TYPES, written) ? TYPES[written] : undefined;
  if (type === undefined) throw new TableDamaged("a table has an entry of an unknown type");
  const isLink = type === "symlink" || type === "link";
  return {
    path: name,
    type,
    size: type === "file" ? size : 0,
    mode: mode & 0o7777,
    link: isLink ? linkName : "",
  } satisfies TarEntry;
}

function parsed(text: string): z.infer<typeof schema> {
  try {
    return schema.parse(wanted(JSON.parse(text)));
  } catch (error) {
    throw new TableDamaged("a table has an entry that is none", { cause: error });
  }
}

/**
 * The values of the keys in {@link schema}. Of two that are spelled alike the last counts, here as for the clients; of two that differ in
 * case that depends on the client.
 */
function wanted(entry: unknown): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(z.looseObject({}).parse(entry))) {
    const name = NAMES.get(folded(key));
    if (name === undefined) continue;
    if (Object.hasOwn(found, name)) throw new Error(`an entry has ${name} in two spellings`);
    found[name] = value;
  }
  return found;
}
