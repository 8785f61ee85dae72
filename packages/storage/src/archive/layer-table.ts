import { createHash } from "node:crypto";
import { decompress, LayerUnreadable, type LayerCompression } from "./decompression.js";
import type { LayerPatience } from "./layer-files.js";
import type { LayerSource, LayerTable } from "./layer-footer.js";
import { createListing, type LayerLimits, type LayerListing, type ListingBuilder } from "./layer-listing.js";
import { CHUNK, readTableEntries, TableDamaged } from "./table-entries.js";
import { contentOfFirst, TarDamaged } from "./tar-entries.js";

const STARGZ_INDEX = "stargz.index.json";
const COMPRESSIONS: Readonly<Record<LayerTable["format"], LayerCompression>> = {
  estargz: "gzip",
  "zstd:chunked": "zstd",
};

/**
 * Lists a layer's files by its own table. What that says is what whoever made the image says; clients that read the tar may find something
 * else. Undefined if it is none, too large, takes too long, or can't be decompressed here. Throws what `layer` throws.
 */
export async function listByTable(
  layer: LayerSource,
  table: LayerTable,
  limits: LayerLimits,
  { time, signal }: LayerPatience,
): Promise<LayerListing | undefined> {
  const { format, start, end, length = 0 } = table;
  if (end - start > limits.table.stored || length > limits.table.read) return undefined;
  const both = AbortSignal.any([time, signal]);
  const stream = await layer.open({ start, end: end - 1 });
  const hash = createHash("sha256");
  const hashed = async function* (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of bytes) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const compression = COMPRESSIONS[format];
  const listing = createListing(limits);
  let fault: (() => Error | undefined) | undefined;
  try {
    const plain = decompress(format === "zstd:chunked" ? hashed(stream) : stream, compression, both);
    fault = plain.fault;
    try {
      const read = bounded(plain.bytes, limits.table.read);
      await addAll(listing, format === "estargz" ? hashed(contentOfFirst(read, STARGZ_INDEX)) : read, both);
    } finally {
      plain.end();
    }
  } catch (error) {
    signal.throwIfAborted();
    const failed = fault?.();
    if (failed !== undefined) throw failed;
    if (isOfTheTable(error) || time.aborted) return undefined;
    throw error;
  } finally {
    await stream.close();
  }
  const { files, cutBy } = listing;
  const digest = `sha256:${hash.digest("hex")}`;
  return { compression, files, table: { ...table, digest }, ...(cutBy === undefined ? {} : { cutBy }) };
}

/** Reads `bytes` to their end also once the list has one, for their digest. */
async function addAll(listing: ListingBuilder, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const source = bytes[Symbol.asyncIterator]();
  // Without `return`, which would end the source with the list.
  const rest = { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) };
  try {
    for await (const entry of readTableEntries(rest, signal)) {
      if (!(entry === CHUNK ? listing.addPiece() : listing.add(entry))) break;
    }
    while ((await source.next()).done !== true) signal.throwIfAborted();
  } finally {
    await source.return?.();
  }
}

async function* bounded(bytes: AsyncIterable<Uint8Array>, limit: number): AsyncIterable<Uint8Array> {
  let seen = 0;
  for await (const chunk of bytes) {
    seen += chunk.byteLength;
    if (seen > limit) throw new TableDamaged("a table is larger than it may be");
    yield chunk;
  }
}

/** Errors of decompression have codes of their own: `Z_DATA_ERROR`, `ZSTD_error_…`. */
function isOfTheTable(error: unknown): boolean {
  if (error instanceof TableDamaged || error instanceof TarDamaged || error instanceof LayerUnreadable) return true;
  return error instanceof Error && "code" in error && /^(?:Z_|ZSTD_|ERR_ZSTD)/i.test(String(error.code));
}
