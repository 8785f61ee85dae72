import type { Readable } from "node:stream";
import type { BlobDownloadResponseParsed } from "@azure/storage-blob";
import type { CallOptions } from "../../contract/driver.js";
import { readAll, toReadable } from "../objects/body.js";
import { ServiceFault } from "../objects/faults.js";
import type { ObjectInfo, OpenPiece, Piece, WholeObject } from "../objects/service.js";
import { tooLarge } from "../shared/errors.js";
import { blobAt, type AzureContext } from "./context.js";
import { NAME } from "./faults.js";

/** Throws ServiceFault `not-found` if there is no blob. */
export function headBlob(context: AzureContext, path: string, call: CallOptions | undefined): Promise<ObjectInfo> {
  const operation = "GetBlobProperties";
  return context.calls.run({ operation, signal: call?.signal }, async (abortSignal) => {
    const { contentLength, lastModified, etag, copyStatus } = await blobAt(context, path).getProperties({
      abortSignal,
    });
    checkCopied(operation, copyStatus);
    if (contentLength === undefined) throw incomplete(operation, "length");
    return { size: contentLength, modified: lastModified ?? new Date(0), version: etag ?? "" };
  });
}

/** All of the blob at `path`, at most `limit` bytes. */
export function getWhole(
  context: AzureContext,
  path: string,
  limit: number,
  call: CallOptions | undefined,
): Promise<WholeObject> {
  return context.calls.run({ operation: "GetBlob", signal: call?.signal }, async (abortSignal) => {
    const answer = await blobAt(context, path).download(0, undefined, { abortSignal, maxRetryRequests: 0 });
    const { body, size } = opened(answer);
    if (size > limit) {
      body.destroy();
      throw tooLarge(NAME, path, size, limit);
    }
    return { bytes: await readAll(body, size, "GetBlob", abortSignal), version: answer.etag ?? "" };
  });
}

/** Starts to read a piece of the blob at `path`. */
export function getPiece(
  context: AzureContext,
  path: string,
  { start, end, version }: Piece,
  call: CallOptions | undefined,
): Promise<OpenPiece> {
  return context.calls.run({ operation: "GetBlob", signal: call?.signal }, async (abortSignal) => {
    const count = end === undefined ? undefined : end - start + 1;
    const conditions = version === undefined ? {} : { ifMatch: version };
    const answer = await blobAt(context, path).download(start, count, { abortSignal, conditions, maxRetryRequests: 0 });
    const { body, size: length } = opened(answer);
    const size = start === 0 && count === undefined ? length : sizeOf(answer, start);
    if (size !== undefined) return { body, size, version: answer.etag ?? "" };
    body.destroy();
    throw incomplete("GetBlob", "range that was asked for");
  });
}

function opened(answer: BlobDownloadResponseParsed): { readonly body: Readable; readonly size: number } {
  const body = toReadable(answer.readableStreamBody, "GetBlob");
  // If the connection breaks, there may be no other listener any more.
  body.on("error", () => undefined);
  try {
    checkCopied("GetBlob", answer.copyStatus);
    if (answer.contentLength === undefined) throw incomplete("GetBlob", "length");
    return { body, size: answer.contentLength };
  } catch (error) {
    body.destroy();
    throw error;
  }
}

/** A blob that another program is copying, or has failed to copy, is empty: it isn't there yet. */
function checkCopied(operation: string, copyStatus: string | undefined): void {
  if (copyStatus === undefined || copyStatus === "success") return;
  throw new ServiceFault(
    "not-found",
    undefined,
    `${operation}: the blob is the target of a copy that is ${copyStatus}`,
  );
}

/** The size of the whole blob, from the range in the answer; undefined if that doesn't begin at `start`. */
function sizeOf({ contentRange }: BlobDownloadResponseParsed, start: number): number | undefined {
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? "");
  return range !== null && Number(range[1]) === start ? Number(range[3]) : undefined;
}

function incomplete(operation: string, what: string): ServiceFault {
  return new ServiceFault("transient", undefined, `${operation}: the answer has no ${what}`);
}
