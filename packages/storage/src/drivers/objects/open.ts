import type { ByteRange, CallOptions, ContentStream } from "../../contract/driver.js";
import { boundsOf, streamOf } from "../shared/byte-stream.js";
import { checkOffset } from "../shared/errors.js";
import { isFault, toStorageError } from "./faults.js";
import { readPiece } from "./reader.js";
import type { ObjectService, OpenPiece } from "./service.js";

/** Opens the object at `path` for a read of `options`' range. */
export async function openObject(
  service: ObjectService,
  path: string,
  options: (CallOptions & ByteRange) | undefined,
): Promise<ContentStream> {
  const start = options?.start ?? 0;
  checkOffset(service.name, path, start, Number.MAX_SAFE_INTEGER);
  const call = { signal: options?.signal };
  const piece =
    options?.end !== undefined && options.end < start ? undefined : await tryPiece(service, path, start, options);
  if (piece === undefined) return openNothing(service, path, start, call);
  return readPiece(piece, {
    start,
    stop: boundsOf(options, piece.size).stop,
    signal: options?.signal,
    patience: service.patience,
    reopen: (position, signal) =>
      service.piece(path, { start: position, end: options?.end, version: piece.version }, { signal }),
    retryLater: (state, fault, signal) => service.retryLater(state, fault, signal),
    toFault: (error) => service.toFault(error, "read"),
    fail: (error) => toStorageError(service.name, service.toFault(error, "read"), "read", path),
  });
}

/** Undefined if there are no bytes from `start` on. */
async function tryPiece(
  service: ObjectService,
  path: string,
  start: number,
  options: (CallOptions & ByteRange) | undefined,
): Promise<OpenPiece | undefined> {
  try {
    return await service.piece(path, { start, end: options?.end }, { signal: options?.signal });
  } catch (error) {
    if (isFault(error, "range")) return undefined;
    throw error;
  }
}

/** Opens an empty range, or throws for one that begins outside the object. */
async function openNothing(
  service: ObjectService,
  path: string,
  start: number,
  call: CallOptions,
): Promise<ContentStream> {
  const { size } = await service.head(path, call);
  checkOffset(service.name, path, start, size);
  return streamOf(size, { next: () => Promise.resolve(undefined), release: () => Promise.resolve() });
}
