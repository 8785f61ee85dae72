import {
  CANONICAL_ALGORITHM,
  digestOf,
  isDigest,
  isDigestAlgorithm,
  isRepositoryName,
  isStorageError,
  splitDigest,
  type Digest,
  type DigestAlgorithm,
  type UploadStatus,
} from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import type { Exchange } from "../exchange.js";

/** `POST /v2/<name>/blobs/uploads/`: opens a session, mounts a blob, or takes a whole one (distribution-spec §Pushing blobs). */
export async function startUpload(exchange: Exchange): Promise<void> {
  if (await mounted(exchange)) return;
  const digest = digestParameter(exchange);
  if (digest !== undefined && hasContent(exchange, digest)) return pushWhole(exchange, digest);
  const algorithm = algorithmFor(exchange, digest);
  const session = await exchange.repository.uploads.start({ algorithm, signal: exchange.signal });
  const { chunkMinLength } = exchange.api.options;
  const chunk = chunkMinLength === undefined ? [] : ["OCI-Chunk-Min-Length", String(chunkMinLength)];
  exchange.end(202, [...sessionHeaders(exchange, session), ...chunk, "Content-Length", "0"]);
}

/** Mounts where that is asked for and possible; otherwise the client uploads (distribution-spec §Mounting a blob). */
async function mounted(exchange: Exchange): Promise<boolean> {
  const digest = exchange.parameter("mount");
  const from = exchange.parameter("from");
  if (digest === undefined || !isDigest(digest)) return false;
  if (from === undefined ? !exchange.grant.unrestricted : !isRepositoryName(from)) return false;
  const source = from !== undefined && isRepositoryName(from) ? from : undefined;
  try {
    await exchange.repository.blobs.mount(digest, source, exchange.call);
  } catch (error) {
    if (isStorageError(error, "BLOB_UNKNOWN")) return false;
    throw error;
  }
  sendCreated(exchange, digest);
  return true;
}

/** Throws DIGEST_INVALID where the parameter is no digest that can be verified. */
function digestParameter(exchange: Exchange): Digest | undefined {
  const text = exchange.parameter("digest");
  if (text === undefined || isDigest(text)) return text;
  throw new ApiError("DIGEST_INVALID", { detail: "digest parsing failed" });
}

/**
 * Whether a POST with a digest brings the blob. Without a body it does only for the empty blob: older clients that send the
 * digest along when they open a session go on as the original lets them (contract §1.6).
 */
function hasContent(exchange: Exchange, digest: Digest): boolean {
  return exchange.bodyLength !== 0 || digest === digestOf(new Uint8Array(), splitDigest(digest).algorithm);
}

function algorithmFor(exchange: Exchange, digest: Digest | undefined): DigestAlgorithm {
  const named = exchange.parameter("digest-algorithm");
  if (named !== undefined) {
    if (isDigestAlgorithm(named)) return named;
    throw new ApiError("DIGEST_INVALID", { detail: "unsupported digest algorithm" });
  }
  // What can't be mounted is uploaded next, and then has the digest that was asked for.
  const mount = exchange.parameter("mount");
  const expected = digest ?? (mount !== undefined && isDigest(mount) ? mount : undefined);
  return expected === undefined ? CANONICAL_ALGORITHM : splitDigest(expected).algorithm;
}

/** A whole blob in one POST (end-4b). */
async function pushWhole(exchange: Exchange, digest: Digest): Promise<void> {
  const { uploads } = exchange.repository;
  const { uuid } = await uploads.start({ algorithm: splitDigest(digest).algorithm });
  try {
    await uploads.commit(uuid, digest, { bytes: exchange.body(), offset: 0, length: exchange.bodyLength });
  } catch (error) {
    // Nobody was told of this session, so nobody can go on with it. What it failed of is what counts.
    await uploads.cancel(uuid).catch(() => undefined);
    throw error;
  }
  sendCreated(exchange, digest);
}

export function sendCreated(exchange: Exchange, digest: Digest): void {
  const location = exchange.api.urls.blob(exchange.request, exchange.name, digest);
  exchange.end(201, ["Location", location, "Docker-Content-Digest", digest, "Content-Length", "0"]);
}

/** Where and how to go on with a session. */
export function sessionHeaders({ api, request, name }: Exchange, session: UploadStatus): string[] {
  const { uuid, size, startedAt } = session;
  const state = api.states.sign({ name, uuid, offset: size, startedAt });
  return [
    "Location",
    api.urls.upload(request, name, uuid, state),
    "Range",
    // `0-0` stands for nothing and for one byte alike (contract §1.6).
    `0-${Math.max(size - 1, 0)}`,
    "Docker-Upload-Uuid",
    uuid,
  ];
}
