import { SECOND } from "@longshore/base/duration";
import { withTimeout } from "@longshore/base/timeout";
import { UpstreamError } from "./errors.js";
import type { WireAnswer } from "./net/wire.js";

/** Bounds of a body that is read whole. */
export interface BodyBounds {
  /** Names the upstream in errors. */
  readonly host: string;
  /** What it is, in errors: `manifest`. */
  readonly what: string;
  /** Bytes. */
  readonly limit: number;
  /** For all of it, however it arrives (ms). */
  readonly timeout: number;
}

/** Reads a small body whole. Throws UpstreamError: INVALID_ANSWER if it is too large, UNAVAILABLE if it doesn't come to its end in time. */
export async function readWhole(answer: WireAnswer, { host, what, limit, timeout }: BodyBounds): Promise<Buffer> {
  const tooLarge = (): UpstreamError => {
    answer.cancel();
    return new UpstreamError(host, {
      code: "INVALID_ANSWER",
      reason: `its ${what} is larger than ${limit} bytes`,
    });
  };
  if (Number(answer.headers["content-length"] ?? 0) > limit) throw tooLarge();
  const read = async (): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.byteLength;
      if (size > limit) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  };
  return withTimeout(read(), timeout, () => {
    answer.cancel();
    throw new UpstreamError(host, {
      code: "UNAVAILABLE",
      reason: `its ${what} didn't arrive within ${timeout / SECOND} s`,
      retryAfter: 1,
    });
  });
}
