import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  isIndexMediaType,
  OCI_INDEX,
  OCI_MANIFEST,
  parseManifest,
  parseReference,
  type StoredManifest,
} from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import { accepts } from "../accept.js";
import { ifRangeHolds, noneMatchHits } from "../conditional.js";
import type { Exchange } from "../exchange.js";
import { parseRange } from "../range.js";
import { sendText } from "../text.js";

/** Clients of the original send the digest with and without quotes (contract §1.8). */
const ETAG_RULES = { unquoted: true };

/** `GET` and `HEAD /v2/<name>/manifests/<reference>` (distribution-spec §Pulling manifests). */
export async function getManifest(exchange: Exchange): Promise<void> {
  const { headers } = exchange.request;
  const found = await findManifest(exchange);
  const noneMatch = headers["if-none-match"];
  if (noneMatch !== undefined && noneMatchHits(noneMatch, found.digest, ETAG_RULES)) {
    exchange.end(304, ["Docker-Content-Digest", found.digest, "Etag", `"${found.digest}"`]);
    return;
  }
  const manifest = await negotiate(exchange, found, headers.accept);
  if (headers.range !== undefined) sendRange(exchange, manifest, headers.range);
  else exchange.end(200, manifestHeaders(manifest, manifest.bytes.byteLength), manifest.bytes);
}

async function findManifest(exchange: Exchange): Promise<StoredManifest> {
  const reference = parseReference(exchange.reference);
  const { manifests, tags } = exchange.repository;
  const { call } = exchange;
  if (reference.kind === "digest") return manifests.get(reference.digest, call);
  return manifests.get(await tags.resolve(reference.tag, call), { ...call, tagged: true });
}

function manifestHeaders({ mediaType, digest }: StoredManifest, length: number): string[] {
  return [
    "Content-Type",
    mediaType,
    "Content-Length",
    String(length),
    "Docker-Content-Digest",
    digest,
    "Etag",
    `"${digest}"`,
  ];
}

/** What to serve to a client that takes `accept` (contract §1.8). */
async function negotiate(
  exchange: Exchange,
  manifest: StoredManifest,
  accept: string | undefined,
): Promise<StoredManifest> {
  switch (manifest.mediaType) {
    case OCI_MANIFEST:
      if (accepts(accept, OCI_MANIFEST)) return manifest;
      throw new ApiError("MANIFEST_UNKNOWN", {
        message: "OCI manifest found, but accept header does not support OCI manifests",
      });
    case DOCKER_MANIFEST_LIST: {
      const byDigest = exchange.reference.includes(":");
      if (byDigest || accepts(accept, DOCKER_MANIFEST_LIST) || accepts(accept, OCI_INDEX)) return manifest;
      return defaultChild(exchange, manifest, accept);
    }
    default:
      return manifest;
  }
}

/** The image that clients which know no lists are given: the one for linux on amd64. */
async function defaultChild(
  exchange: Exchange,
  list: StoredManifest,
  accept: string | undefined,
): Promise<StoredManifest> {
  const parsed = parseManifest(list.bytes, list.mediaType);
  const children = parsed.kind === "index" ? parsed.manifests : [];
  const chosen = children.find(({ platform }) => platform?.architecture === "amd64" && platform.os === "linux");
  if (chosen === undefined) throw new ApiError("MANIFEST_UNKNOWN");
  const child = await exchange.repository.manifests.get(chosen.digest, exchange.call);
  if (child.mediaType === DOCKER_MANIFEST && !accepts(accept, DOCKER_MANIFEST)) {
    throw new ApiError("MANIFEST_INVALID", { message: "Schema 2 manifest not supported by client" });
  }
  // A list of lists would need one more choice that nobody has defined.
  if (isIndexMediaType(child.mediaType)) throw new ApiError("MANIFEST_UNKNOWN");
  return child;
}

/** The original sends the whole manifest; RFC 9110 §14.2 lets a client have a part. */
function sendRange(exchange: Exchange, manifest: StoredManifest, header: string): void {
  const { bytes, digest } = manifest;
  const size = bytes.byteLength;
  const honoured = ifRangeHolds(exchange.header("if-range"), digest) ? header : undefined;
  const range = parseRange(honoured, size);
  switch (range.kind) {
    case "whole":
      exchange.end(200, manifestHeaders(manifest, size), bytes);
      break;
    case "part": {
      const part = bytes.subarray(range.start, range.end + 1);
      const head = manifestHeaders(manifest, part.byteLength);
      head.push("Content-Range", `bytes ${range.start}-${range.end}/${size}`);
      exchange.end(206, head, part);
      break;
    }
    case "unsatisfiable":
      sendText(exchange, 416, "invalid range: failed to overlap\n", ["Content-Range", `bytes */${size}`]);
      break;
    case "malformed":
      sendText(exchange, 416, "invalid range\n");
  }
}

/** `DELETE /v2/<name>/manifests/<reference>` (distribution-spec §Deleting tags, §Deleting Manifests). */
export async function deleteManifest(exchange: Exchange): Promise<void> {
  if (!exchange.api.options.deleteEnabled) throw new ApiError("UNSUPPORTED");
  const reference = parseReference(exchange.reference);
  const { manifests, tags } = exchange.repository;
  if (reference.kind === "digest") await manifests.delete(reference.digest);
  else await tags.delete(reference.tag);
  exchange.end(202, ["Content-Length", "0"]);
}
