import { randomBytes } from "node:crypto";
import type { ByteRange } from "./range.js";

/** The body of a response with several ranges (RFC 9110 §14.6), without the content itself. */
export interface Multipart {
  /** The response's own Content-Type. */
  readonly contentType: string;
  /** Bytes of the whole body. */
  readonly length: number;
  readonly parts: readonly MultipartPart[];
  /** The bytes after the last part. */
  readonly end: Uint8Array;
}

interface MultipartPart extends ByteRange {
  /** The bytes before the part's content. */
  readonly head: Uint8Array;
}

/** Formatted as Go's library does, and so Distribution. `size` and `mediaType` are those of the whole content. */
export function multipartOf(ranges: readonly ByteRange[], size: number, mediaType: string): Multipart {
  const boundary = randomBytes(30).toString("hex");
  const parts = ranges.map(({ start, end }, index): MultipartPart => {
    const lines = [
      `--${boundary}`,
      `Content-Range: bytes ${start}-${end}/${size}`,
      `Content-Type: ${mediaType}`,
      "",
      "",
    ];
    return { start, end, head: Buffer.from((index === 0 ? "" : "\r\n") + lines.join("\r\n")) };
  });
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = parts.reduce((sum, part) => sum + part.head.length + part.end - part.start + 1, end.length);
  return { contentType: `multipart/byteranges; boundary=${boundary}`, length, parts, end };
}

/** Opens a range as a stream, which is closed afterwards. */
export type OpenRange = (range: ByteRange) => Promise<AsyncIterable<Uint8Array> & { close(): Promise<void> }>;

/**
 * A gap between two ranges of up to this many bytes is read and discarded, which is quicker than another request to the
 * storage.
 */
const MAX_GAP = 256 * 1024;

/**
 * The bytes of `multipart`. Ranges that are close together are read in one go: a client may request a thousand, and each
 * request to the storage costs. A chunk's buffer is reused once the next one is requested.
 */
export async function* bytesOf(
  { parts, end }: Multipart,
  open: OpenRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const run of runsOf(parts)) yield* bytesOfRun(run, open);
  yield end;
}

async function* bytesOfRun(
  run: readonly MultipartPart[],
  open: OpenRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = await open({ start: run[0]?.start ?? 0, end: run.at(-1)?.end ?? 0 });
  try {
    const waiting = run[Symbol.iterator]();
    let part = waiting.next().value;
    let at = run[0]?.start ?? 0;
    if (part !== undefined) yield part.head;
    for await (const chunk of stream) {
      const chunkEnd = at + chunk.byteLength;
      while (part !== undefined && part.start < chunkEnd) {
        const from = Math.max(part.start, at) - at;
        yield chunk.subarray(from, Math.min(part.end + 1, chunkEnd) - at);
        if (part.end >= chunkEnd) break;
        part = waiting.next().value;
        if (part !== undefined) yield part.head;
      }
      at = chunkEnd;
    }
  } finally {
    await stream.close();
  }
}

/** Groups the parts that one stream can deliver. */
function runsOf(parts: readonly MultipartPart[]): readonly (readonly MultipartPart[])[] {
  const runs: MultipartPart[][] = [];
  let last: MultipartPart | undefined;
  for (const part of parts) {
    const isNear = last !== undefined && part.start > last.end && part.start - last.end <= MAX_GAP;
    if (isNear) runs.at(-1)?.push(part);
    else runs.push([part]);
    last = part;
  }
  return runs;
}
