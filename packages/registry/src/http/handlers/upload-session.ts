import { isDigest, isStorageError, type Digest, type UploadBody } from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import type { Exchange } from "../exchange.js";
import { parseChunkRange } from "../range.js";
import type { UploadState } from "../upload-state.js";
import { sendCreated, sessionHeaders } from "./uploads.js";

/** `GET` and `HEAD <location>`: how far a session is (end-13). The location's state isn't needed to ask. */
export async function getUpload(exchange: Exchange): Promise<void> {
  const session = await exchange.repository.uploads.status(exchange.reference, exchange.call);
  exchange.end(204, sessionHeaders(exchange, session));
}

/** `PATCH <location>`: a chunk, or the whole content as a stream (end-5). */
export async function patchUpload(exchange: Exchange): Promise<void> {
  const { uploads } = exchange.repository;
  const state = verifiedState(exchange);
  await withSessionOn416(exchange, async () => {
    const session = await uploads.append(state.uuid, uploadBody(exchange, state));
    exchange.end(202, [...sessionHeaders(exchange, session), "Content-Length", "0"]);
  });
}

/** `PUT <location>?digest=`: the last bytes, if any, and the session becomes a blob (end-6). */
export async function putUpload(exchange: Exchange): Promise<void> {
  const state = verifiedState(exchange);
  const digest = requiredDigest(exchange);
  await withSessionOn416(exchange, async () => {
    const body = uploadBody(exchange, state);
    await exchange.repository.uploads.commit(state.uuid, digest, body);
    sendCreated(exchange, digest);
  });
}

/** `DELETE <location>`: gives a session up (end-14). A location from before the last chunk will do. */
export async function deleteUpload(exchange: Exchange): Promise<void> {
  const { uuid } = verifiedState(exchange);
  await exchange.repository.uploads.cancel(uuid);
  exchange.end(204, ["Docker-Upload-Uuid", uuid]);
}

/** What needs a session and names none (contract §1.6). */
export function withoutSession(): never {
  throw new ApiError("BLOB_UPLOAD_UNKNOWN");
}

function verifiedState(exchange: Exchange): UploadState {
  return exchange.api.states.verify(exchange.parameter("_state"), exchange.name, exchange.reference);
}

function requiredDigest(exchange: Exchange): Digest {
  const text = exchange.parameter("digest");
  if (text === undefined) throw new ApiError("DIGEST_INVALID", { detail: "digest missing" });
  if (!isDigest(text)) throw new ApiError("DIGEST_INVALID", { detail: "digest parsing failed" });
  return text;
}

/**
 * What writes isn't given the exchange's signal: a body that breaks off ends by itself, once everything that arrived is
 * read, and a client that leaves while its last byte is made durable finds the blob there when it comes back.
 *
 * The body with the place where it goes: a `Content-Range` says that itself (distribution-spec §Pushing a blob in chunks),
 * otherwise it follows what had arrived when the location was given. Its Content-Type is nobody's business: bytes are bytes.
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

/** A client that is told its range is wrong is told the right one with it, which saves it a GET. */
async function withSessionOn416(exchange: Exchange, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const misplaced =
      isStorageError(error, "UPLOAD_OFFSET_INVALID") || (error instanceof ApiError && error.code === "RANGE_INVALID");
    if (!misplaced) throw error;
    const { uploads } = exchange.repository;
    const session = await uploads.status(exchange.reference, exchange.call);
    const [, location = "", , range = "", , uuid = ""] = sessionHeaders(exchange, session);
    const headers = { Location: location, Range: range, "Docker-Upload-Uuid": uuid };
    const detail = error instanceof ApiError ? error.options.detail : error.message;
    throw new ApiError("RANGE_INVALID", { detail, headers, cause: error });
  }
}
