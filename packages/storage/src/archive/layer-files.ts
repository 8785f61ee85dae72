import { Readable, type Transform } from "node:stream";
import { setImmediate } from "node:timers/promises";
import * as zlib from "node:zlib";

/** What a layer has at a path. */
export interface LayerFile {
  /** Without a slash at its beginning or end. */
  readonly path: string;
  readonly type: LayerFileType;
  /** Bytes; 0 for what has no content of its own. */
  readonly size: number;
  /** Permission bits, as `chmod` takes them. */
  readonly mode: number;
  /** Where a link leads, as it is written. */
  readonly link?: string | undefined;
  /** Of the layers below: this path is gone, or everything in this directory is (image-spec layer.md §Whiteouts). */
  readonly removes?: "path" | "contents" | undefined;
}

/** The types of tar entries that are files of a layer. */
type LayerFileType = "file" | "directory" | "symlink" | "link" | "character-device" | "block-device" | "fifo";

/** How a layer is compressed. */
type LayerCompression = "none" | "gzip" | "zstd";

/** How much is looked at for one list. */
export interface LayerLimits {
  readonly entries: number;
  /** Of the tar, after decompression. */
  readonly bytes: number;
  /** Of all paths and link targets together, in characters. */
  readonly text: number;
}

/** The files of a layer. */
export interface LayerListing {
  readonly compression: LayerCompression;
  readonly files: readonly LayerFile[];
  /** Which limit ended the list before the layer did; undefined: it is complete. */
  readonly cutBy?: "entries" | "bytes" | "text" | "time" | undefined;
}

/** Why a layer's files can't be listed. */
export class LayerUnreadable extends Error {
  override readonly name = "LayerUnreadable";
  /** Whether another registry, or this one under a newer Node, could. */
  readonly isSupported: boolean;

  constructor(message: string, isSupported: boolean, options?: { cause?: unknown }) {
    super(message, options);
    this.isSupported = isSupported;
  }
}

const TYPES: ReadonlySet<string> = new Set<LayerFileType>([
  "file",
  "directory",
  "symlink",
  "link",
  "character-device",
  "block-device",
  "fifo",
]);

/** Other requests get a turn after so many entries. */
const TURN = 200;

/**
 * Lists what is in a layer's tar, from its bytes as they come: no file's content is kept. `time` ends it with what was found until then,
 * `signal` with its reason. Throws {@link LayerUnreadable} for what is no tar, and what `bytes` throws.
 */
export async function listLayer(
  bytes: AsyncIterable<Uint8Array>,
  limits: LayerLimits,
  { time, signal }: { readonly time: AbortSignal; readonly signal: AbortSignal },
): Promise<LayerListing> {
  const { createTarDecoder } = await import("modern-tar");
  const source = bytes[Symbol.asyncIterator]();
  const first = await source.next();
  const head = first.done === true ? Buffer.alloc(0) : Buffer.from(first.value);
  const compression = compressionOf(head);
  if (head.length === 0) return { compression, files: [] };
  const files: LayerFile[] = [];
  let cutBy: LayerListing["cutBy"];
  let fault: Error | undefined;
  let seen = 0;

  async function* input(): AsyncIterable<Buffer> {
    try {
      yield head;
      for (;;) {
        const next = await source.next();
        if (next.done === true) return;
        // A chunk is only valid until the next one is read.
        yield Buffer.from(next.value);
      }
    } catch (error) {
      fault = error instanceof Error ? error : new Error("the layer can't be read", { cause: error });
      throw error;
    } finally {
      await source.return?.();
    }
  }

  const plain = decompressed(Readable.from(input(), { objectMode: false }), compression);
  async function* counted(): AsyncIterable<Uint8Array> {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      seen += chunk.byteLength;
      if (seen > limits.bytes) {
        cutBy ??= "bytes";
        throw new Error("the limit is reached");
      }
      yield chunk;
    }
  }
  const both = AbortSignal.any([time, signal]);
  const decoder = createTarDecoder({ strict: true });
  const sent = ReadableStream.from(counted()).pipeTo(decoder.writable, { signal: both });
  sent.catch(() => undefined);
  let text = 0;
  try {
    for await (const { header, body } of decoder.readable) {
      await body.cancel();
      const file = fileOf(header);
      if (file === undefined) continue;
      text += file.path.length + (file.link?.length ?? 0);
      if (files.length === limits.entries) cutBy = "entries";
      else if (text > limits.text) cutBy = "text";
      if (cutBy !== undefined) break;
      files.push(file);
      if (files.length % TURN === 0) await setImmediate(undefined, { signal: both });
    }
  } catch (error) {
    signal.throwIfAborted();
    if (fault !== undefined) throw fault;
    if (time.aborted) cutBy ??= "time";
    if (cutBy === undefined) throw new LayerUnreadable("the layer is no tar, or is damaged", true, { cause: error });
  } finally {
    plain.destroy();
  }
  return { compression, files, ...(cutBy === undefined ? {} : { cutBy }) };
}

function compressionOf(head: Buffer): LayerCompression {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return "gzip";
  if (head.length >= 4 && head.readUInt32BE(0) === 0x28b52ffd) return "zstd";
  // What zstd:chunked begins with may be a skippable frame (RFC 8878 §3.1.2).
  if (head.length >= 4 && head.readUInt32LE(0) >>> 4 === 0x184d2a5) return "zstd";
  return "none";
}

/** `input` without its compression. Throws LayerUnreadable where this Node can't undo it. */
function decompressed(input: Readable, compression: LayerCompression): Readable {
  const through = decompressor(compression);
  if (through === undefined) return input;
  input.on("error", (error) => through.destroy(error));
  through.on("close", () => input.destroy());
  return input.pipe(through);
}

function decompressor(compression: LayerCompression): Transform | undefined {
  if (compression === "none") return undefined;
  if (compression === "gzip") return zlib.createGunzip();
  const create: unknown = Reflect.get(zlib, "createZstdDecompress");
  if (typeof create === "function") return create.call(zlib) as Transform;
  throw new LayerUnreadable("the layer is compressed with zstd, which needs Node 22.15 or later here", false);
}

interface Header {
  readonly name: string;
  readonly size: number;
  readonly mode?: number;
  readonly type?: string;
  readonly linkname?: string;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** Undefined for what is no file of the image. */
function fileOf({ name, size, mode = 0, type = "file", linkname }: Header): LayerFile | undefined {
  if (!isFileType(type)) return undefined;
  const path = name
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  if (path === "") return undefined;
  const slash = path.lastIndexOf("/") + 1;
  const last = path.slice(slash);
  const common = { type, size: type === "file" ? size : 0, mode: mode & 0o7777 };
  if (last === OPAQUE) return { ...common, path: path.slice(0, Math.max(0, slash - 1)), removes: "contents" };
  if (last.startsWith(WHITEOUT)) {
    return { ...common, path: path.slice(0, slash) + last.slice(WHITEOUT.length), removes: "path" };
  }
  const isLink = type === "symlink" || type === "link";
  return { ...common, path, ...(isLink && linkname !== undefined ? { link: linkname } : {}) };
}

function isFileType(type: string): type is LayerFileType {
  return TYPES.has(type);
}
