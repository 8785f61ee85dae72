import type { CallOptions, ContentStream, Digest } from "@longshore/storage";
import type { Route } from "../routing.js";
import { isUpstreamError } from "../upstream/errors.js";

/**
 * A part of a blob straight from the upstream: `start` to `stop` (exclusive) of `size` bytes. It can't be verified; clients that
 * ask for parts do so when they have all of them. Undefined where the upstream fails, or tells another size: the download then has
 * to get there.
 */
export async function openRange(
  { upstream, remote }: Route,
  digest: Digest,
  { start, stop, size }: { readonly start: number; readonly stop: number; readonly size: number },
  options?: CallOptions,
): Promise<ContentStream | undefined> {
  try {
    const blob = await upstream.client.openBlob(remote, digest, { offset: start, signal: options?.signal });
    if (blob.size !== size) {
      await blob.close();
      return undefined;
    }
    return { size, close: () => blob.close(), [Symbol.asyncIterator]: () => firstBytes(blob, stop - start) };
  } catch (error) {
    if (isUpstreamError(error)) return undefined;
    throw error;
  }
}

async function* firstBytes(chunks: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array, undefined> {
  let left = count;
  if (left <= 0) return undefined;
  for await (const chunk of chunks) {
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return undefined;
  }
  return undefined;
}
