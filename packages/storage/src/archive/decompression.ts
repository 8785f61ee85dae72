import { addAbortSignal, PassThrough, Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";

/** How a layer is compressed. */
export type LayerCompression = "none" | "gzip" | "zstd";

/** Why a layer's files can't be listed. */
export class LayerUnreadable extends Error {
  override readonly name = "LayerUnreadable";
}

/** By the first bytes of a layer. */
export function compressionOf(head: Buffer): LayerCompression {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return "gzip";
  if (head.length >= 4 && head.readUInt32BE(0) === 0x28b52ffd) return "zstd";
  // What zstd:chunked begins with may be a skippable frame (RFC 8878 §3.1.2).
  if (head.length >= 4 && head.readUInt32LE(0) >>> 4 === 0x184d2a5) return "zstd";
  return "none";
}

/** Bytes without their compression. */
export interface Plain {
  readonly bytes: AsyncIterable<Buffer>;
  /** What reading the compressed bytes failed with, if it did: not the fault of what they are. */
  readonly fault: () => Error | undefined;
  /** Ends both. */
  readonly end: () => void;
}

/**
 * `input`, whose chunks are only valid until the next one, without its compression; ends with the reason of `signal`. Throws
 * {@link LayerUnreadable} where this Node can't undo it.
 */
export function decompress(
  input: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
  signal: AbortSignal,
): Plain {
  const through = decompressor(compression);
  let fault: Error | undefined;
  async function* kept(): AsyncIterable<Buffer> {
    try {
      for await (const chunk of input) yield Buffer.from(chunk);
    } catch (error) {
      fault = error instanceof Error ? error : new Error("the layer can't be read", { cause: error });
      throw error;
    }
  }
  const source = Readable.from(kept(), { objectMode: false });
  source.on("error", (error) => through.destroy(error));
  through.on("close", () => source.destroy());
  const plain = addAbortSignal(signal, source.pipe(through));
  return { bytes: plain as AsyncIterable<Buffer>, fault: () => fault, end: () => void plain.destroy() };
}

function decompressor(compression: LayerCompression): Transform {
  // Also in between where there is nothing to undo: unlike the source, it ends at once while storage is waited for.
  if (compression === "none") return new PassThrough();
  if (compression === "gzip") return zlib.createGunzip();
  const create: unknown = Reflect.get(zlib, "createZstdDecompress");
  if (typeof create === "function") return create.call(zlib) as Transform;
  throw new LayerUnreadable("the layer is compressed with zstd, which needs Node 22.15 or later here");
}
