import { setImmediate } from "node:timers/promises";
import { KIB } from "@longshore/base/size";

/** What a tar says of one of its files, whose content is passed over. */
export interface TarEntry {
  /** As it is written. */
  readonly path: string;
  /** Undefined for what is no file, such as a volume's label. */
  readonly type: TarEntryType | undefined;
  /** Of the file that it becomes, which has more bytes than the tar if it has holes. */
  readonly size: number;
  readonly mode: number;
  /** Empty unless it is a link. */
  readonly link: string;
}

export type TarEntryType = "file" | "directory" | "symlink" | "link" | "character-device" | "block-device" | "fifo";

/** It is no tar, or is damaged. */
export class TarDamaged extends Error {
  override readonly name = "TarDamaged";
}

/** It says more about its files than any real one does. */
export class TarMetadataExceeded extends Error {
  override readonly name = "TarMetadataExceeded";
}

const BLOCK = 512;
const ZEROS = Buffer.alloc(BLOCK);

/** A PAX header or long name: extended attributes, which it may hold, have 64 KiB at most. */
const LONGEST_HEADER = 64 * KIB;
/** Paths and targets of links, in bytes: PATH_MAX of Linux. */
export const LONGEST_PATH = 4096;
/** What a short PAX header or long name takes of the budget at least: an empty one is work, too. */
const SMALLEST_SHARE = 128;
/** Others get a turn after so many bytes of headers: a few milliseconds, whatever they say. */
const TURN = 64 * KIB;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  D: "directory",
};
const VOLUME_LABEL = "V";
/** Types without content, whatever size they give. */
const BODYLESS = "123456";

/**
 * Reads the headers of a tar in the formats v7, ustar, PAX and GNU, in the way of Go's `archive/tar`, with which clients unpack layers: a
 * list says what they would make of it. PAX headers and long names take `budget` bytes at most. Throws {@link TarMetadataExceeded} beyond,
 * {@link TarDamaged}, what `chunks` throws, and the reason of `signal`.
 */
export async function* readTarEntries(
  chunks: AsyncIterable<Uint8Array>,
  budget: number,
  signal: AbortSignal,
): AsyncGenerator<TarEntry, void> {
  const portions = createPortions(chunks);
  let about: About = {};
  let spent = 0;
  let work = 0;
  const spend = (size: number): void => {
    spent += Math.max(size, SMALLEST_SHARE);
    if (size > LONGEST_HEADER || spent > budget) throw new TarMetadataExceeded("a tar with too much metadata");
  };
  try {
    for (;;) {
      const block = await portions.take(BLOCK);
      // Unpackers do without the end mark.
      if (block === undefined || block.equals(ZEROS)) return;
      const header = parseHeader(block);
      const { flag } = header;
      work += BLOCK;
      if (flag === "x" || flag === "L" || flag === "K") {
        spend(header.size);
        work += header.size;
        const body = await portions.take(header.size);
        if (body === undefined) throw new TarDamaged("the tar ends within a header");
        await portions.skip(paddingOf(header.size));
        if (flag === "x") about.pax = parsePax(body);
        else if (flag === "L") about.path = untilZero(body);
        else about.link = untilZero(body);
      } else if (flag === "g") {
        // Defaults for all files, which clients don't apply.
        spend(0);
        await portions.skip(header.size + paddingOf(header.size));
      } else {
        if (flag === "S") for (let more = block[482] === 1; more;) more = await hasMoreHoles(portions, spend);
        const { entry, stored } = entryOf(header, about);
        about = {};
        yield entry;
        await portions.skip(stored + paddingOf(stored));
      }
      if (work < TURN) continue;
      work = 0;
      await setImmediate(undefined, { signal });
    }
  } finally {
    await portions.close();
  }
}

/** The content of a tar's first entry. Throws {@link TarDamaged} if that isn't the file `name`, and what `chunks` throws. */
export async function* contentOfFirst(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array, void> {
  const portions = createPortions(chunks);
  try {
    const block = await portions.take(BLOCK);
    if (block === undefined) throw new TarDamaged("the tar ends too early");
    const { flag, path, size } = parseHeader(block);
    if (!"0\0".includes(flag) || path.toString() !== name) throw new TarDamaged(`the tar doesn't begin with ${name}`);
    for (let rest = size; rest > 0;) {
      const part = await portions.some(rest);
      rest -= part.length;
      yield part;
    }
  } finally {
    await portions.close();
  }
}

/** What PAX headers and GNU's long names say of the header that follows. */
interface About {
  pax?: ReadonlyMap<string, Buffer>;
  path?: Buffer;
  link?: Buffer;
}

interface Header {
  readonly flag: string;
  readonly path: Buffer;
  readonly prefix: Buffer;
  readonly link: Buffer;
  readonly mode: number;
  /** Of what follows the header. */
  readonly size: number;
  /** Of a file with holes in the old GNU format. */
  readonly sparseSize: number | undefined;
}

function parseHeader(block: Buffer): Header {
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < BLOCK; index += 1) {
    const byte = index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0);
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const sum = numberIn(block, 148, 8);
  // Some writers of old took bytes as signed.
  if (sum !== unsigned && sum !== signed) throw new TarDamaged("a header's checksum is wrong");
  const flag = String.fromCharCode(block[156] ?? 0);
  const isUstar = block.toString("latin1", 257, 263) === "ustar\0";
  return {
    flag,
    path: untilZero(block.subarray(0, 100)),
    prefix: isUstar ? untilZero(block.subarray(345, 500)) : Buffer.alloc(0),
    link: untilZero(block.subarray(157, 257)),
    mode: numberIn(block, 100, 8),
    size: numberIn(block, 124, 12),
    sparseSize: flag === "S" ? numberIn(block, 483, 12) : undefined,
  };
}

/** The entry, and how many bytes of content the tar has for it. */
function entryOf(header: Header, about: About): { readonly entry: TarEntry; readonly stored: number } {
  const { flag, mode } = header;
  const { pax } = about;
  const own = header.prefix.length > 0 ? Buffer.concat([header.prefix, SLASH, header.path]) : header.path;
  const path = textOf(said(pax, "GNU.sparse.name") ?? about.path ?? said(pax, "path") ?? own);
  const type = typeOf(flag, path);
  const isLink = type === "link" || type === "symlink";
  const size = decimalOf(said(pax, "size")) ?? header.size;
  const isBodyless = BODYLESS.includes(flag) || (flag === "\0" && type === "directory");
  const whole = said(pax, "GNU.sparse.realsize") ?? said(pax, "GNU.sparse.size");
  const entry: TarEntry = {
    path,
    type,
    size: type === "file" ? (decimalOf(whole) ?? header.sparseSize ?? size) : 0,
    mode: mode & 0o7777,
    link: isLink ? textOf(about.link ?? said(pax, "linkpath") ?? header.link) : "",
  };
  return { entry, stored: isBodyless ? 0 : size };
}

const SLASH = Buffer.from("/");

function typeOf(flag: string, path: string): TarEntryType | undefined {
  if (flag === VOLUME_LABEL) return undefined;
  // As tars of old write directories.
  if (path.endsWith("/") && (flag === "0" || flag === "\0")) return "directory";
  // POSIX: unknown types are files.
  return TYPES[flag] ?? "file";
}

/** What a PAX header says; an empty value is as good as none. */
function said(pax: ReadonlyMap<string, Buffer> | undefined, key: string): Buffer | undefined {
  const value = pax?.get(key);
  return value?.length === 0 ? undefined : value;
}

const WANTED: ReadonlySet<string> = new Set([
  "path",
  "linkpath",
  "size",
  "GNU.sparse.name",
  "GNU.sparse.realsize",
  "GNU.sparse.size",
]);
const LONGEST_WANTED = Math.max(...[...WANTED].map(({ length }) => length));

/** Records of a PAX header (`<length> <key>=<value>\n`) that make a difference; of several, the last one counts. */
function parsePax(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let start = 0; start < bytes.length;) {
    let space = start;
    let length = 0;
    for (let digit = bytes[space]; digit !== undefined && digit >= 0x30 && digit <= 0x39; digit = bytes[space]) {
      length = length * 10 + digit - 0x30;
      space += 1;
    }
    const end = start + length;
    if (bytes[space] !== 0x20 || end > bytes.length || end < space + 4 || bytes[end - 1] !== 0x0a) throw badPax();
    const equals = bytes.indexOf(0x3d, space + 2);
    if (equals < 0 || equals >= end - 1) throw badPax();
    start = end;
    if (equals - space - 1 > LONGEST_WANTED) continue;
    const key = bytes.toString("latin1", space + 1, equals);
    if (WANTED.has(key)) found.set(key, bytes.subarray(equals + 1, end - 1));
  }
  return found;
}

function badPax(): TarDamaged {
  return new TarDamaged("a PAX header has a record that is none");
}

/** Whether another block with the holes of a file follows the one that this reads. */
async function hasMoreHoles(portions: Portions, spend: (size: number) => void): Promise<boolean> {
  spend(BLOCK);
  const block = await portions.take(BLOCK);
  return block?.[504] === 1;
}

/** A number in octal digits, or as GNU tar writes large ones: in base 256, which the first bit tells. */
function numberIn(block: Buffer, start: number, length: number): number {
  const field = block.subarray(start, start + length);
  let value = 0;
  const first = field[0] ?? 0;
  if (first >= 0x80) {
    if (first >= 0xc0) throw new TarDamaged("a number in a header is negative");
    for (const [index, byte] of field.entries()) value = value * 256 + (index === 0 ? byte & 0x3f : byte);
  } else {
    const [digits = ""] = field.toString("latin1").replaceAll("\0", " ").trim().split(" ", 1);
    if (!/^[0-7]*$/.test(digits)) throw new TarDamaged("a number in a header has other digits than octal ones");
    value = digits === "" ? 0 : Number.parseInt(digits, 8);
  }
  if (!Number.isSafeInteger(value)) throw new TarDamaged("a number in a header is too large");
  return value;
}

function decimalOf(digits: Buffer | undefined): number | undefined {
  if (digits === undefined) return undefined;
  const text = digits.toString("latin1", 0, 20);
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new TarDamaged("a size in a PAX header is no number, or too large");
  return value;
}

function untilZero(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** A path. Its length is looked at before anybody takes it apart. */
function textOf(bytes: Buffer): string {
  if (bytes.length > LONGEST_PATH) throw new TarMetadataExceeded("a path that is too long for Linux");
  if (bytes.includes(0)) throw new TarDamaged("a path has a zero byte in it");
  return bytes.toString();
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** Bytes in the portions that are asked for. */
interface Portions {
  /** Undefined at the end. */
  take(length: number): Promise<Buffer | undefined>;
  /** What there is, of `length` at most. */
  some(length: number): Promise<Buffer>;
  skip(length: number): Promise<void>;
  close(): Promise<void>;
}

function createPortions(chunks: AsyncIterable<Uint8Array>): Portions {
  const source = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  /** False at the end. */
  const more = async (): Promise<boolean> => {
    const next = await source.next();
    if (next.done === true) return false;
    const { buffer, byteOffset, byteLength } = next.value;
    rest = Buffer.from(buffer, byteOffset, byteLength);
    return true;
  };
  return {
    async take(length) {
      const parts: Buffer[] = [];
      for (let missing = length; missing > 0;) {
        if (rest.length === 0 && !(await more())) {
          if (missing === length) return undefined;
          throw new TarDamaged("the tar ends too early");
        }
        const part = rest.subarray(0, missing);
        rest = rest.subarray(part.length);
        if (part.length === length) return part;
        parts.push(part);
        missing -= part.length;
      }
      return Buffer.concat(parts);
    },
    async some(length) {
      if (rest.length === 0 && !(await more())) throw new TarDamaged("the tar ends within a file");
      const part = rest.subarray(0, length);
      rest = rest.subarray(part.length);
      return part;
    },
    async skip(length) {
      for (let missing = length; missing > 0;) {
        if (rest.length === 0 && !(await more())) throw new TarDamaged("the tar ends within a file");
        const passed = Math.min(missing, rest.length);
        rest = rest.subarray(passed);
        missing -= passed;
      }
    },
    async close() {
      await source.return?.();
    },
  };
}
