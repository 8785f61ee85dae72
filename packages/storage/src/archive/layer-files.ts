import { addAbortSignal, PassThrough, Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { readTarEntries, TarMetadataExceeded, type TarEntry, type TarEntryType } from "./tar-entries.js";

/** What a layer has at a path. */
export interface LayerFile {
  /** Without a slash at its beginning or end. */
  readonly path: string;
  readonly type: TarEntryType;
  /** Bytes; 0 for what has no content of its own. */
  readonly size: number;
  /** Permission bits, as `chmod` takes them. */
  readonly mode: number;
  /** Where a link leads, as it is written. */
  readonly link?: string | undefined;
  /** Of the layers below: this path is gone, or everything in this directory is (image-spec layer.md §Whiteouts). */
  readonly removes?: "path" | "contents" | undefined;
}

/** How a layer is compressed. */
type LayerCompression = "none" | "gzip" | "zstd";

/** How much is looked at for one list. */
export interface LayerLimits {
  /** Also those that are no files. */
  readonly entries: number;
  /** Of the tar, after decompression. */
  readonly bytes: number;
  /** Of all paths and link targets together, in characters. */
  readonly text: number;
  /** Of all PAX headers and long names together, in bytes. */
  readonly metadata: number;
}

/** The files of a layer. */
export interface LayerListing {
  readonly compression: LayerCompression;
  readonly files: readonly LayerFile[];
  /** Which limit ended the list before the layer did; undefined: it is complete. */
  readonly cutBy?: "entries" | "bytes" | "text" | "metadata" | "time" | undefined;
}

/** Why a layer's files can't be listed. */
export class LayerUnreadable extends Error {
  override readonly name = "LayerUnreadable";
}

/**
 * Lists what is in a layer's tar, from its bytes as they come: no file's content is kept. `time` ends it with what was found until then,
 * `signal` with its reason. Throws {@link LayerUnreadable} for what is no tar, and what `bytes` throws.
 */
export async function listLayer(
  bytes: AsyncIterable<Uint8Array>,
  limits: LayerLimits,
  { time, signal }: { readonly time: AbortSignal; readonly signal: AbortSignal },
): Promise<LayerListing> {
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

  const both = AbortSignal.any([time, signal]);
  const plain = addAbortSignal(both, decompressed(Readable.from(input(), { objectMode: false }), compression));
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
  let entries = 0;
  let text = 0;
  try {
    for await (const entry of readTarEntries(counted(), limits.metadata, both)) {
      entries += 1;
      if (entries > limits.entries) {
        cutBy = "entries";
        break;
      }
      const file = fileOf(entry);
      if (file === undefined) continue;
      text += file.path.length + (file.link?.length ?? 0);
      if (text > limits.text) {
        cutBy = "text";
        break;
      }
      files.push(file);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (fault !== undefined) throw fault;
    if (error instanceof TarMetadataExceeded) cutBy = "metadata";
    else if (time.aborted) cutBy ??= "time";
    if (cutBy === undefined) throw new LayerUnreadable("the layer is no tar, or is damaged", { cause: error });
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
  input.on("error", (error) => through.destroy(error));
  through.on("close", () => input.destroy());
  return input.pipe(through);
}

function decompressor(compression: LayerCompression): Transform {
  // Also in between where there is nothing to undo: unlike `input`, it ends at once while storage is waited for.
  if (compression === "none") return new PassThrough();
  if (compression === "gzip") return zlib.createGunzip();
  const create: unknown = Reflect.get(zlib, "createZstdDecompress");
  if (typeof create === "function") return create.call(zlib) as Transform;
  throw new LayerUnreadable("the layer is compressed with zstd, which needs Node 22.15 or later here");
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** Undefined for what is no file of the image. */
function fileOf({ path: written, type, size, mode, link }: TarEntry): LayerFile | undefined {
  if (type === undefined) return undefined;
  const path = written
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  if (path === "") return undefined;
  const slash = path.lastIndexOf("/") + 1;
  const last = path.slice(slash);
  const common = { type, size, mode };
  if (last === OPAQUE) return { ...common, path: path.slice(0, Math.max(0, slash - 1)), removes: "contents" };
  if (last.startsWith(WHITEOUT)) {
    return { ...common, path: path.slice(0, slash) + last.slice(WHITEOUT.length), removes: "path" };
  }
  return { ...common, path, ...(type === "symlink" || type === "link" ? { link } : {}) };
}
