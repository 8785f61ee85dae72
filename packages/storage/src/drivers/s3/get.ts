import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import { tooLarge } from "../shared/errors.js";
import { readAll, toReadable } from "../objects/body.js";
import type { ObjectInfo, OpenPiece, Piece, WholeObject } from "../objects/service.js";
import type { S3Context } from "./context.js";
import { NAME } from "./faults.js";
import { ServiceFault } from "../objects/faults.js";

/** Throws ServiceFault `not-found`, also if the bucket doesn't exist: the response to HEAD doesn't show the difference. */
export function headObject(
  { client, calls, keys, options }: S3Context,
  path: string,
  call: CallOptions | undefined,
): Promise<ObjectInfo> {
  return calls.run({ operation: "HeadObject", signal: call?.signal }, async (abortSignal) => {
    const command = new HeadObjectCommand({ Bucket: options.bucket, Key: keys.of(path) });
    const { ContentLength, LastModified, ETag } = await client.send(command, { abortSignal });
    if (ContentLength === undefined)
      throw new ServiceFault("transient", undefined, "HeadObject: the answer has no length");
    return { size: ContentLength, modified: LastModified ?? new Date(0), version: ETag ?? "" };
  });
}

/** All of the object at `path`, at most `limit` bytes. */
export function getWhole(
  { client, calls, keys, options }: S3Context,
  path: string,
  limit: number,
  call: CallOptions | undefined,
): Promise<WholeObject> {
  return calls.run({ operation: "GetObject", signal: call?.signal }, async (abortSignal) => {
    const command = new GetObjectCommand({ Bucket: options.bucket, Key: keys.of(path) });
    const answer = await client.send(command, { abortSignal });
    const body = toReadable(answer.Body, "GetObject");
    const size = answer.ContentLength;
    if (size === undefined || size > limit) {
      body.destroy();
      if (size !== undefined) throw tooLarge(NAME, path, size, limit);
      throw new ServiceFault("transient", undefined, "GetObject: the answer has no length");
    }
    return { bytes: await readAll(body, size, "GetObject", abortSignal), version: answer.ETag ?? "" };
  });
}

/** Starts to read a piece of the object at `path`. */
export function getPiece(
  { client, calls, keys, options }: S3Context,
  path: string,
  piece: Piece,
  call: CallOptions | undefined,
): Promise<OpenPiece> {
  const { start, end, version } = piece;
  const ranged = start > 0 || end !== undefined;
  return calls.run({ operation: "GetObject", signal: call?.signal }, async (abortSignal) => {
    const command = new GetObjectCommand({
      Bucket: options.bucket,
      Key: keys.of(path),
      ...(ranged ? { Range: `bytes=${start}-${end ?? ""}` } : {}),
      ...(version === undefined ? {} : { IfMatch: version }),
    });
    const answer = await client.send(command, { abortSignal });
    const body = toReadable(answer.Body, "GetObject");
    // If the connection breaks, there may be no other listener any more.
    body.on("error", () => undefined);
    const size = sizeOf(answer, start, ranged);
    if (size !== undefined) return { body, size, version: answer.ETag ?? "" };
    body.destroy();
    throw new ServiceFault("transient", undefined, "GetObject: the answer isn't the range that was asked for");
  });
}

/** The size of the whole object, from the range in the response; undefined if that doesn't begin at `start`. */
function sizeOf(
  answer: { readonly ContentLength?: number | undefined; readonly ContentRange?: string | undefined },
  start: number,
  ranged: boolean,
): number | undefined {
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? "");
  if (range !== null) return Number(range[1]) === start ? Number(range[3]) : undefined;
  // The whole object, from a service that ignores ranges.
  return !ranged || start === 0 ? answer.ContentLength : undefined;
}
