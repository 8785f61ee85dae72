import type { CallOptions } from "../../contract/driver.js";
import { readAll, toReadable } from "../objects/body.js";
import { ServiceFault } from "../objects/faults.js";
import type { ObjectInfo, OpenPiece, Piece, WholeObject } from "../objects/service.js";
import { tooLarge } from "../shared/errors.js";
import type { GcsAnswer } from "./client.js";
import {
  jsonPath,
  OBJECT_FIELDS,
  objectResource,
  parseAnswer,
  query,
  SESSION_TYPE,
  type GcsContext,
} from "./context.js";
import { NAME } from "./faults.js";

/** What is known about an object, with what its writer has noted. */
export interface GcsObjectInfo extends ObjectInfo {
  readonly metadata: Readonly<Record<string, string>>;
}

/** Throws ServiceFault `not-found` if there is no object. */
export function headObject(
  { client, calls, keys, options }: GcsContext,
  path: string,
  call: CallOptions | undefined,
): Promise<GcsObjectInfo> {
  const operation = "GetMetadata";
  return calls.run({ operation, signal: call?.signal }, async (signal) => {
    const address = jsonPath(options, keys.of(path)) + query({ fields: OBJECT_FIELDS });
    const { text } = await client.text({ operation, method: "GET", path: address }, signal);
    const { size, updated, generation, contentType, metadata } = parseAnswer(objectResource, text, operation);
    if (contentType === SESSION_TYPE) throw unfinished(operation);
    return { size, modified: updated, version: generation, metadata };
  });
}

/** All of the object at `path`, at most `limit` bytes. */
export function getWhole(
  context: GcsContext,
  path: string,
  limit: number,
  call: CallOptions | undefined,
): Promise<WholeObject> {
  return context.calls.run({ operation: "Get", signal: call?.signal }, async (signal) => {
    const { body, size, version } = await openObject(context, path, { start: 0, end: undefined }, signal);
    if (size > limit) {
      body.destroy();
      throw tooLarge(NAME, path, size, limit);
    }
    return { bytes: await readAll(body, size, "Get", signal), version };
  });
}

/** Starts to read a piece of the object at `path`. */
export function getPiece(
  context: GcsContext,
  path: string,
  piece: Piece,
  call: CallOptions | undefined,
): Promise<OpenPiece> {
  return context.calls.run({ operation: "Get", signal: call?.signal }, (signal) =>
    openObject(context, path, piece, signal),
  );
}

/** Likewise, in a call that has begun. */
export async function openObject(
  { client, keys, options }: Pick<GcsContext, "client" | "keys" | "options">,
  path: string,
  { start, end, version }: Piece,
  signal: AbortSignal,
): Promise<OpenPiece> {
  const isWhole = start === 0 && end === undefined;
  const answer = await client.send(
    {
      operation: "Get",
      method: "GET",
      path:
        jsonPath(options, keys.of(path)) +
        query({ alt: "media", ifGenerationMatch: version === "" ? undefined : version }),
      headers: {
        // Otherwise the service would unpack what another program has stored packed: as many bytes as it doesn't tell.
        "accept-encoding": "gzip",
        ...(isWhole ? {} : { range: `bytes=${start}-${end ?? ""}` }),
      },
    },
    signal,
  );
  const { headers } = answer;
  const body = toReadable(answer.body, "Get");
  const size = isWhole ? lengthOf(answer) : sizeOf(answer, start);
  if (headers["content-type"] !== SESSION_TYPE && size !== undefined) {
    return { body, size, version: textOf(headers["x-goog-generation"]) };
  }
  body.destroy();
  throw size === undefined ? incomplete() : unfinished("Get");
}

function lengthOf({ headers }: GcsAnswer): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}

/** The size of the whole object, from the range in the answer; undefined if that doesn't begin at `start`. */
function sizeOf({ headers }: GcsAnswer, start: number): number | undefined {
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(textOf(headers["content-range"]));
  return range !== null && Number(range[1]) === start ? Number(range[3]) : undefined;
}

function textOf(header: string | readonly string[] | undefined): string {
  return typeof header === "string" ? header : "";
}

function incomplete(): ServiceFault {
  return new ServiceFault("transient", undefined, "Get: the answer hasn't the range that was asked for, or no length");
}

function unfinished(operation: string): ServiceFault {
  return new ServiceFault("not-found", undefined, `${operation}: the object is an upload that Distribution began`);
}
