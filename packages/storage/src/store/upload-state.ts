import { z } from "zod";
import { isUploadClaim } from "../layout/paths.js";
import { isDigest, isDigestAlgorithm, splitDigest, type Digest, type DigestAlgorithm } from "../model/digest.js";

/** Some of a session's bytes, in a file of its own that nobody changes. */
export interface Segment {
  /** Random: nobody else has it, whatever session or process. */
  readonly id: string;
  /** Bytes, at least one. */
  readonly size: number;
  /** How often its bytes were put together from smaller segments. */
  readonly level: number;
}

/** All that is known of a session on object storage: one small file that is replaced at once. */
export interface UploadState {
  readonly startedAt: Date;
  /** What the bytes are hashed with while they arrive. */
  readonly algorithm: DigestAlgorithm;
  /** Whose bytes, in this order, are the session's. */
  readonly segments: readonly Segment[];
  /** The digest of exactly these bytes; undefined where nobody knows it. */
  readonly digest: Digest | undefined;
}

/** More is no state: 10,000 segments take some 700 KB. */
export const MAX_STATE_BYTES = 4 * 1024 * 1024;

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
