import { MIB, TIB } from "@longshore/base/size";
import { z } from "zod";
import { isUploadClaim } from "../../layout/paths.js";
import { isDigest, isDigestAlgorithm, splitDigest, type Digest, type DigestAlgorithm } from "../../model/digest.js";

/** A part of a session's bytes, in a file that never changes. */
export interface Segment {
  /** Random, and unique across sessions and processes. */
  readonly id: string;
  /** Bytes, at least one. */
  readonly size: number;
  /** How many times its bytes were joined from smaller segments. */
  readonly level: number;
}

/** Everything known about a session in object storage: the content of one small file, which is replaced atomically. */
export interface UploadState {
  readonly startedAt: Date;
  /** The algorithm that the bytes are hashed with while they arrive. */
  readonly algorithm: DigestAlgorithm;
  /** Their bytes, in this order, are those of the session. */
  readonly segments: readonly Segment[];
  /** The digest of exactly these bytes; undefined if unknown. */
  readonly digest: Digest | undefined;
}

/** Far more than needed: 10,000 segments take some 700 KB. */
export const MAX_STATE_BYTES = 4 * MIB;

const VERSION = 1;

const schema = z.object({
  version: z.literal(VERSION),
  startedAt: z.iso.datetime(),
  algorithm: z.string().refine(isDigestAlgorithm),
  segments: z.array(
    z.object({
      id: z.string().refine(isUploadClaim),
      size: z.number().int().positive(),
      level: z.number().int().nonnegative(),
    }),
  ),
  digests: z.record(z.string(), z.string().refine(isDigest)),
});

/** The bytes of the `state` file: JSON. */
export function formatUploadState({ startedAt, algorithm, segments, digest }: UploadState): Uint8Array {
  const digests = digest === undefined ? {} : { [splitDigest(digest).algorithm]: digest };
  const value: z.input<typeof schema> = {
    version: VERSION,
    startedAt: startedAt.toISOString(),
    algorithm,
    segments: [...segments],
    digests,
  };
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The inverse of {@link formatUploadState}. Throws an Error that says what is wrong. */
export function parseUploadState(bytes: Uint8Array): UploadState {
  const { startedAt, algorithm, segments, digests } = schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const digest = Object.values(digests)[0];
  if (digest !== undefined && digests[splitDigest(digest).algorithm] !== digest) {
    throw new Error(`${digest} is under the name of another algorithm`);
  }
  const state = { startedAt: new Date(startedAt), algorithm, segments, digest };
  if (!Number.isSafeInteger(sizeOf(state))) throw new Error("the segments have more bytes than can be counted");
  return state;
}

/** Bytes of all segments. */
export function sizeOf({ segments }: Pick<UploadState, "segments">): number {
  return segments.reduce((sum, { size }) => sum + size, 0);
}

/** How many segments of one level are joined into one of the next. A byte is copied once for each level. */
const RUN = 100;

/** Larger segments are never made, whatever the storage allows for one file. */
const LARGEST_JOINED = TIB;

/** A step of compaction: `sources`, at the end of the list, are joined into one segment. */
export interface Compaction {
  readonly kept: readonly Segment[];
  readonly sources: readonly Segment[];
  readonly size: number;
  readonly level: number;
}

/**
 * The next step that shortens a list of segments; undefined if it is short enough. Levels decrease along the list, so the
 * segments to join are always at its end.
 */
export function nextCompaction(segments: readonly Segment[]): Compaction | undefined {
  const level = segments.at(-1)?.level;
  const sources = segments.slice(-RUN);
  if (level === undefined || sources.length < RUN || sources.some((one) => one.level !== level)) return undefined;
  const size = sources.reduce((sum, one) => sum + one.size, 0);
  if (size > LARGEST_JOINED) return undefined;
  return { kept: segments.slice(0, -RUN), sources, size, level: level + 1 };
}
