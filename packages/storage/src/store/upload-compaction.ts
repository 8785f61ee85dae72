import type { Segment } from "./upload-state.js";

/** So many segments of one level become one of the next: a byte is copied as often as it has levels below it. */
const RUN = 100;

/** What is put together is never larger, whatever the storage's limit of one file is. */
const LARGEST = 1024 ** 4;

/** Segments at the end of a list that are to be put together. */
export interface Compaction {
  readonly kept: readonly Segment[];
  readonly sources: readonly Segment[];
  readonly size: number;
  readonly level: number;
}

/**
 * The next step that keeps a list of segments short; undefined where it is. Levels fall along the list, so that what is put
 * together is always at its end.
 */
export function nextCompaction(segments: readonly Segment[]): Compaction | undefined {
  const level = segments.at(-1)?.level;
  const sources = segments.slice(-RUN);
  if (level === undefined || sources.length < RUN || sources.some((one) => one.level !== level)) return undefined;
  const size = sources.reduce((sum, one) => sum + one.size, 0);
  if (size > LARGEST) return undefined;
  return { kept: segments.slice(0, -RUN), sources, size, level: level + 1 };
}
