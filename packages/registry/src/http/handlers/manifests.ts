import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  isIndexMediaType,
  OCI_INDEX,
  OCI_MANIFEST,
  parseManifest,
  parseReference,
  type Reference,
  type StoredManifest,
} from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import { accepts } from "../headers/accept.js";
import { ifRangeHolds, noneMatchHits } from "../headers/conditional.js";
import type { Exchange } from "../exchange.js";
import { multipartOf } from "../headers/multipart.js";
import { parseRange } from "../headers/range.js";
import { sendText } from "../response/text.js";

/** Clients of Distribution send the digest with and without quotes (wire contract §1.8). */
const ETAG_RULES = { unquoted: true };

/** `GET` and `HEAD /v2/<name>/manifests/<reference>` (distribution-spec §Pulling manifests). */
export async function getManifest(exchange: Exchange): Promise<void> {
  const { headers } = exchange.request;
  const reference = parseReference(exchange.reference);
  const found = await findManifest(exchange, reference);
  const noneMatch = headers["if-none-match"];
  if (noneMatch !== undefined && noneMatchHits(noneMatch, found.digest, ETAG_RULES)) {
    exchange.end(304, ["Docker-Content-Digest", found.digest, "Etag", `"${found.digest}"`]);
    return;
  }
  const manifest = await negotiate(exchange, found, headers.accept);
  // As Distribution and Docker Hub count: a client that asks whether it is up to date pulls nothing.
  if (!exchange.isHead) {
    const tag = reference.kind === "tag" ? reference.tag : undefined;
    exchange.shared.activity?.recordPull(exchange.repository.name, found.digest, tag);
  }
  if (headers.range !== undefined) sendRange(exchange, manifest, headers.range);
  else exchange.end(200, manifestHeaders(manifest), manifest.bytes);
}

async function findManifest(exchange: Exchange, reference: Reference): Promise<StoredManifest> {
  const { manifests, tags } = exchange.repository;
  if (reference.kind === "digest") return manifests.get(reference.digest, exchange.call);
  // Not spread, which would make the signal.
  const call = {
    tagged: true,
    onStale: (reason: string): void => exchange.noteStale(reason),
    get signal() {
      return exchange.signal;
    },
  };
  return manifests.get(await tags.resolve(reference.tag, call), call);
}

function manifestHeaders({ mediaType, digest }: StoredManifest): string[] {
  return ["Content-Type", mediaType, "Docker-Content-Digest", digest, "Etag", `"${digest}"`];
}

/** The manifest for a client that sent `accept` (wire contract §1.8). */
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

/** The image for clients that don't support manifest lists: the one for linux/amd64. */
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
  // In a list of lists a further choice would be needed, which no specification defines.
  if (isIndexMediaType(child.mediaType)) throw new ApiError("MANIFEST_UNKNOWN");
  return child;
}

/** Distribution sends the whole manifest; RFC 9110 §14.2 allows a part. */
function sendRange(exchange: Exchange, manifest: StoredManifest, header: string): void {
  const { bytes, digest } = manifest;
  const size = bytes.byteLength;
  const honoured = ifRangeHolds(exchange.header("if-range"), digest) ? header : undefined;
  const range = parseRange(honoured, size);
  switch (range.kind) {
    case "whole":
      exchange.end(200, manifestHeaders(manifest), bytes);
      break;
    case "part": {
      const part = bytes.subarray(range.start, range.end + 1);
      const head = manifestHeaders(manifest);
      head.push("Content-Range", `bytes ${range.start}-${range.end}/${size}`);
      exchange.end(206, head, part);
      break;
    }
    case "parts": {
      const multipart = multipartOf(range.parts, size, manifest.mediaType);
      const head = manifestHeaders({ ...manifest, mediaType: multipart.contentType });
      const pieces = multipart.parts.flatMap((part) => [part.head, bytes.subarray(part.start, part.end + 1)]);
      exchange.end(206, head, Buffer.concat([...pieces, multipart.end]));
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
  if (!exchange.shared.config.storage.delete.enabled) throw new ApiError("UNSUPPORTED");
  const reference = parseReference(exchange.reference);
  const { manifests, tags } = exchange.repository;
  if (reference.kind === "digest") await manifests.delete(reference.digest);
  else await tags.delete(reference.tag);
  exchange.end(202, []);
}
