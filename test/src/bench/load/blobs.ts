import { createHash, randomBytes } from "node:crypto";

/** Bytes to push, with their digest. */
export interface Blob {
  readonly digest: string;
  readonly size: number;
  /** The content in blocks, anew at each call. */
  blocks(): Iterable<Buffer>;
}

const BLOCK = 1024 * 1024;

/**
 * A source of random blobs of one size, no two alike. They share all but their last block, so that a large one costs neither
 * its size in memory nor a hash over the whole.
 */
export function blobSource(size: number): () => Blob {
  const last = size > BLOCK ? BLOCK : size;
  const shared = randomBytes(Math.min(size, BLOCK));
  const repeats = (size - last) / BLOCK;
  if (!Number.isInteger(repeats)) {
    throw new Error(`a blob above 1 MiB has to be whole MiB, not ${size} bytes`);
  }
  const prefix = createHash("sha256");
  for (let index = 0; index < repeats; index++) {
    prefix.update(shared);
  }
  return () => {
    const end = Buffer.concat([randomBytes(16), shared.subarray(0, last - 16)]);
    const digest = `sha256:${prefix.copy().update(end).digest("hex")}`;
    return {
      digest,
      size,
      *blocks() {
        for (let index = 0; index < repeats; index++) {
          yield shared;
        }
        yield end;
      },
    };
  };
}
