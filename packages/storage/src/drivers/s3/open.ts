import type { ByteRange, CallOptions, ContentStream } from "../../contract/driver.js";
import { boundsOf, streamOf } from "../shared/byte-stream.js";
import { checkOffset } from "../shared/errors.js";
import type { S3Context } from "./context.js";
import { isFault, NAME, toFault, toStorageError } from "./faults.js";
import { getPiece, headObject, type OpenPiece } from "./get.js";
import { readPiece } from "./reader.js";

/** Opens the object at `path` for a read of `options`' range. */
export async function openObject(
  context: S3Context,
  path: string,
  options: (CallOptions & ByteRange) | undefined,
): Promise<ContentStream> {
  const start = options?.start ?? 0;
  checkOffset(NAME, path, start, Number.MAX_SAFE_INTEGER);
  const call = { signal: options?.signal };
  const piece =
    options?.end !== undefined && options.end < start ? undefined : await tryPiece(context, path, start, options);
  if (piece === undefined) return openNothing(context, path, start, call);
  return readPiece(piece, {
    start,
    stop: boundsOf(options, piece.size).stop,
    signal: options?.signal,
    patience: context.options.requesttimeout,
    reopen: (position, signal) =>
      getPiece(context, path, { start: position, end: options?.end, etag: piece.etag }, { signal }),
    retryLater: (state, fault, signal) => context.calls.retryLater(state, fault, signal),
    toFault: (error) => toFault(error, "GetObject", []),
    fail: (error) => toStorageError(toFault(error, "GetObject", []), "read", path),
  });
}

/** Undefined if there are no bytes from `start` on. */
async function tryPiece(
  context: S3Context,
  path: string,
  start: number,
  options: (CallOptions & ByteRange) | undefined,
): Promise<OpenPiece | undefined> {
  try {
    return await getPiece(context, path, { start, end: options?.end }, { signal: options?.signal });
  } catch (error) {
    if (isFault(error, "range")) return undefined;
    throw error;
  }
}

/** Opens an empty range, or throws for one that begins outside the object. */
async function openNothing(context: S3Context, path: string, start: number, call: CallOptions): Promise<ContentStream> {
  const { size } = await headObject(context, path, call);
  checkOffset(NAME, path, start, size);
  return streamOf(size, { next: () => Promise.resolve(undefined), release: () => Promise.resolve() });
}
