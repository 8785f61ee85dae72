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

/** `POST /v2/<name>/blobs/uploads/`: opens a session, mounts a blob, or accepts a whole one (distribution-spec §Pushing blobs). */
export async function startUpload(exchange: Exchange): Promise<void> {
  if (await mounted(exchange)) return;
  const digest = digestParameter(exchange);
  if (digest !== undefined && hasContent(exchange, digest)) return pushWhole(exchange, digest);
  const algorithm = algorithmFor(exchange, digest);
  const session = await exchange.repository.uploads.start({ algorithm, signal: exchange.signal });
  exchange.end(202, [...flat(sessionHeaders(exchange, session)), ...sourceChallenge(exchange)]);
}

/** Mounts if requested and possible; otherwise the client uploads (distribution-spec §Mounting a blob). */
async function mounted(exchange: Exchange): Promise<boolean> {
  const digest = exchange.parameter("mount");
  const from = exchange.parameter("from");
  if (exchange.refusedSource !== undefined || digest === undefined || !isDigest(digest)) return false;
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

/** Says which token would have allowed the mount (RFC 9110 §11.6.1 allows a challenge on any response). */
function sourceChallenge({ refusedSource }: Exchange): string[] {
  return refusedSource?.challenge === undefined ? [] : ["WWW-Authenticate", refusedSource.challenge];
}

/** Throws DIGEST_INVALID if the parameter isn't a digest that can be verified. */
function digestParameter(exchange: Exchange): Digest | undefined {
  const text = exchange.parameter("digest");
  if (text === undefined || isDigest(text)) return text;
  throw new ApiError("DIGEST_INVALID", { detail: "digest parsing failed" });
}

/**
 * Whether a POST with a digest carries the blob. Without a body it does so only for the empty blob: older clients that send
 * the digest when they start a session get a session, as from Distribution (wire contract §1.6).
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
  // A blob that can't be mounted is uploaded next, with the digest given for the mount.
  const mount = exchange.parameter("mount");
  const expected = digest ?? (mount !== undefined && isDigest(mount) ? mount : undefined);
  return expected === undefined ? CANONICAL_ALGORITHM : splitDigest(expected).algorithm;
}

/** Accepts a whole blob in one POST (end-4b). */
async function pushWhole(exchange: Exchange, digest: Digest): Promise<void> {
  const { uploads } = exchange.repository;
  const { uuid } = await uploads.start({ algorithm: splitDigest(digest).algorithm });
  try {
    await uploads.commit(uuid, digest, { bytes: exchange.body(), offset: 0, length: exchange.bodyLength });
  } catch (error) {
    // The client doesn't know this session, so it can't resume it. The first failure is the one to report.
    await uploads.cancel(uuid).catch(() => undefined);
    throw error;
  }
  sendCreated(exchange, digest);
}

export function sendCreated(exchange: Exchange, digest: Digest): void {
  const location = exchange.shared.urls.blob(exchange.request, exchange.name, digest);
  exchange.end(201, ["Location", location, "Docker-Content-Digest", digest]);
}

/** The headers that say where and how to continue a session. */
export function sessionHeaders({ shared, request, name }: Exchange, session: UploadStatus): Record<string, string> {
  const { uuid, size, startedAt } = session;
  const state = shared.states.sign({ name, uuid, offset: size, startedAt });
  return {
    Location: shared.urls.upload(request, name, uuid, state),
    // `0-0` stands for nothing as well as for one byte (wire contract §1.6).
    Range: `0-${Math.max(size - 1, 0)}`,
    "Docker-Upload-Uuid": uuid,
  };
}

/** `headers` as name, value, name, value, …. */
export function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}
