import { isDigest, isStorageError, type Digest, type UploadBody } from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import type { Exchange } from "../exchange.js";
import { parseChunkRange } from "../headers/range.js";
import type { UploadState } from "../client-state/upload-state.js";
import { flat, sendCreated, sessionHeaders } from "./uploads.js";

/**
 * `GET` and `HEAD <location>`: reports how much of an upload has arrived (end-13). The location's state isn't needed for
 * that.
 */
export async function getUpload(exchange: Exchange): Promise<void> {
  const session = await exchange.repository.uploads.status(exchange.reference, exchange.call);
  exchange.end(204, flat(sessionHeaders(exchange, session)));
}

/** `PATCH <location>`: appends a chunk, or the whole content as a stream (end-5). */
export async function patchUpload(exchange: Exchange): Promise<void> {
  const { uploads } = exchange.repository;
  const state = verifiedState(exchange);
  await withSessionOn416(exchange, async () => {
    const session = await uploads.append(state.uuid, uploadBody(exchange, state));
    exchange.end(202, flat(sessionHeaders(exchange, session)));
  });
}

/** `PUT <location>?digest=`: appends the last bytes, if any, and turns the session into a blob (end-6). */
export async function putUpload(exchange: Exchange): Promise<void> {
  const state = verifiedState(exchange);
  const digest = requiredDigest(exchange);
  await withSessionOn416(exchange, async () => {
    const body = uploadBody(exchange, state);
    try {
      await exchange.repository.uploads.commit(state.uuid, digest, body);
    } catch (error) {
      if (!isStorageError(error, "UPLOAD_UNKNOWN") || !(await wasCommitted(exchange, digest))) throw error;
    }
    sendCreated(exchange, digest);
  });
}

/**
 * Whether a session that no longer exists has become its blob: a client that lost the response to its PUT sends it again. It
 * may send the whole blob with it, and read the response only after that.
 */
async function wasCommitted(exchange: Exchange, digest: Digest): Promise<boolean> {
  try {
    await exchange.repository.blobs.stat(digest, { ...exchange.call, keep: true });
  } catch (error) {
    if (isStorageError(error, "BLOB_UNKNOWN")) return false;
    throw error;
  }
  const body = exchange.body()[Symbol.asyncIterator]();
  while ((await body.next()).done !== true);
  return true;
}

/** `DELETE <location>`: cancels a session (end-14). An older location, from before the last chunk, is accepted. */
export async function deleteUpload(exchange: Exchange): Promise<void> {
  const { uuid } = verifiedState(exchange);
  await exchange.repository.uploads.cancel(uuid);
  exchange.end(204, ["Docker-Upload-Uuid", uuid]);
}

/** A method that needs a session, on a path that names none (wire contract §1.6). */
export function withoutSession(): never {
  throw new ApiError("BLOB_UPLOAD_UNKNOWN");
}

function verifiedState(exchange: Exchange): UploadState {
  return exchange.shared.states.verify(exchange.parameter("_state"), exchange.name, exchange.reference);
}

function requiredDigest(exchange: Exchange): Digest {
  const text = exchange.parameter("digest");
  if (text === undefined) throw new ApiError("DIGEST_INVALID", { detail: "digest missing" });
  if (!isDigest(text)) throw new ApiError("DIGEST_INVALID", { detail: "digest parsing failed" });
  return text;
}

/**
 * The body and its offset: that of its `Content-Range` (distribution-spec §Pushing a blob in chunks), or else what had
 * arrived when the location was issued. Its Content-Type is ignored.
 *
 * Writes aren't given the exchange's signal: a body that breaks off ends by itself, once everything that arrived is read, and
 * a client that disconnects while its last byte is made durable finds the blob when it returns.
 */
function uploadBody(exchange: Exchange, state: UploadState): UploadBody {
  const length = exchange.bodyLength;
  const header = exchange.header("content-range");
  if (header === undefined) return { bytes: exchange.body(), offset: state.offset, length };
  const range = parseChunkRange(header);
  if (range === undefined)
    throw new ApiError("RANGE_INVALID", { detail: `Content-Range must be <first>-<last>, not ${header}` });
  if (length !== undefined && length !== range.length) throw new ApiError("SIZE_INVALID");
  return { bytes: exchange.body(), offset: range.start, length: range.length };
}

/** A 416 carries the right range, which saves the client a GET. */
async function withSessionOn416(exchange: Exchange, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const misplaced =
      isStorageError(error, "UPLOAD_OFFSET_INVALID") || (error instanceof ApiError && error.code === "RANGE_INVALID");
    if (!misplaced) throw error;
    const { uploads } = exchange.repository;
    const session = await uploads.status(exchange.reference, exchange.call);
    const headers = sessionHeaders(exchange, session);
    const detail = error instanceof ApiError ? error.options.detail : error.message;
    throw new ApiError("RANGE_INVALID", { detail, headers, cause: error });
  }
}
