import { randomInt } from "node:crypto";
import { KIB } from "@longshore/base/size";
import { openBytes, type CallOptions, type Digest, type StorageDriver } from "@longshore/storage";
import type { Route } from "../routing.js";

/** Bytes that an upstream shows of a blob. */
const SAMPLE = 4 * KIB;

/**
 * Whether the upstream has the blob whose `size` bytes are known here: it shows a part that it can't foresee. Its word isn't enough: it
 * would give its clients what another upstream keeps private. Throws UpstreamError and StorageError.
 */
export async function provesPossession(
  driver: StorageDriver,
  { upstream, remote }: Route,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  options?: CallOptions,
): Promise<boolean> {
  const length = Math.min(size, SAMPLE);
  const start = randomInt(size - length + 1);
  const blob = await upstream.client.openBlob(remote, digest, { offset: start, signal: options?.signal });
  try {
    if (blob.size !== size) return false;
    const shown = await firstBytes(blob, length);
    const known = await openBytes(driver, digest, { start, end: start + length - 1, signal: options?.signal });
    try {
      return shown.equals(await firstBytes(known, length));
    } finally {
      await known.close();
    }
  } finally {
    await blob.close();
  }
}

async function firstBytes(chunks: AsyncIterable<Uint8Array>, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  for await (const chunk of chunks) {
    bytes.set(chunk.subarray(0, length - filled), filled);
    filled += Math.min(chunk.length, length - filled);
    if (filled === length) break;
  }
  return bytes.subarray(0, filled);
}
