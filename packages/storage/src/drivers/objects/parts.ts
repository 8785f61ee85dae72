import { GIB, MIB } from "@longshore/base/size";

/**
 * The limits of a file in parts: S3's, which are within those of other services. Only the last part may be smaller than the
 * least.
 */
export const LEAST_PART = 5 * MIB;
export const LARGEST_PART = 5 * GIB;
export const MOST_PARTS = 10_000;

/** The most bytes that one object can be composed of: 48.8 TiB. */
export const LARGEST_OBJECT = MOST_PARTS * LARGEST_PART;

/**
 * The maximum size of a writer's file, 48.8 GiB: this much always fits, because its parts have at least the minimum size under any
 * load.
 */
export const LARGEST_WRITE = MOST_PARTS * LEAST_PART;

/** Bytes `first` to `last` (inclusive) of the source with the index `source`. */
export interface CopyPart {
  readonly source: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Plans how files of the sizes `sources` are copied into one: parts in order, of about `chunkSize` bytes, or larger if there would
 * be too many. Empty sources have no part. Undefined if it is impossible: a source before the last, unless empty, is smaller than
 * the minimum part, or the result is too large or in too many pieces.
 */
export function planCopy(sources: readonly number[], chunkSize: number): readonly CopyPart[] | undefined {
  const filled = [...sources.entries()].filter(([, size]) => size > 0);
  const total = filled.reduce((sum, [, size]) => sum + size, 0);
  const room = MOST_PARTS - filled.length;
  const tooSmall = filled.slice(0, -1).some(([, size]) => size < LEAST_PART);
  if (tooSmall || room < 0) return undefined;
  // Rounding up costs at most one part for each source, so that with this size `MOST_PARTS` are never exceeded.
  const needed = filled.every(([, size]) => size <= chunkSize) ? 0 : Math.ceil(total / room);
  const size = Math.max(chunkSize, needed);
  if (size > LARGEST_PART) return undefined;
  return filled.flatMap(([source, bytes]) => [...split(source, bytes, size)]);
}

/** Even pieces of at most about `size` bytes, none smaller than the least part unless the whole is. */
function* split(source: number, bytes: number, size: number): Iterable<CopyPart> {
  const count = Math.max(1, Math.min(Math.ceil(bytes / size), Math.floor(bytes / LEAST_PART)));
  for (let index = 0; index < count; index += 1) {
    const first = Math.floor((bytes / count) * index);
    const end = index === count - 1 ? bytes : Math.floor((bytes / count) * (index + 1));
    yield { source, first, last: end - 1 };
  }
}
