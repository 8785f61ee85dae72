import { compressionOf, decompress, LayerUnreadable } from "./decompression.js";
import { createListing, type LayerLimits, type LayerListing } from "./layer-listing.js";
import { readTarEntries, TarMetadataExceeded } from "./tar-entries.js";

/** What ends the reading of a layer: `time` with what was found until then, `signal` with its reason. */
export interface LayerPatience {
  readonly time: AbortSignal;
  readonly signal: AbortSignal;
}

/**
 * Lists what is in a layer's tar, from its bytes as they come: no file's content is kept. Throws {@link LayerUnreadable} for what is no
 * tar, and what `bytes` throws.
 */
export async function listLayer(
  bytes: AsyncIterable<Uint8Array>,
  limits: Omit<LayerLimits, "table">,
  { time, signal }: LayerPatience,
): Promise<LayerListing> {
  const source = bytes[Symbol.asyncIterator]();
  const first = await source.next();
  const head = first.done === true ? Buffer.alloc(0) : Buffer.from(first.value);
  const compression = compressionOf(head);
  if (head.length === 0) return { compression, files: [] };
  const listing = createListing(limits);
  let cutBy: LayerListing["cutBy"];
  let seen = 0;

  async function* input(): AsyncIterable<Uint8Array> {
    try {
      yield head;
      for (;;) {
        const next = await source.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await source.return?.();
    }
  }

  const both = AbortSignal.any([time, signal]);
  const plain = decompress(input(), compression, both);
  async function* counted(): AsyncIterable<Uint8Array> {
    for await (const chunk of plain.bytes) {
      seen += chunk.byteLength;
      if (seen > limits.bytes) {
        cutBy ??= "bytes";
        throw new Error("the limit is reached");
      }
      yield chunk;
    }
  }
  try {
    for await (const entry of readTarEntries(counted(), limits.metadata, both)) if (!listing.add(entry)) break;
    cutBy = listing.cutBy;
  } catch (error) {
    signal.throwIfAborted();
    const fault = plain.fault();
    if (fault !== undefined) throw fault;
    if (error instanceof TarMetadataExceeded) cutBy = "metadata";
    else if (time.aborted) cutBy ??= "time";
    if (cutBy === undefined) throw new LayerUnreadable("the layer is no tar, or is damaged", { cause: error });
  } finally {
    plain.end();
  }
  return { compression, files: listing.files, ...(cutBy === undefined ? {} : { cutBy }) };
}
