import { OCTET_STREAM, parseDigest, type Digest } from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import { ifRangeHolds, noneMatchHits } from "../conditional.js";
import type { Exchange } from "../exchange.js";
import { parseRange } from "../range.js";
import type { Redirects } from "../redirects.js";
import { sendStream } from "../send-blob.js";
import { sendText } from "../text.js";

/** A blob never changes (contract §1.7). */
const FOR_A_YEAR = "max-age=31536000";

const ETAG_RULES = { unquoted: false };

/** `GET` and `HEAD /v2/<name>/blobs/<digest>` (distribution-spec §Pulling blobs). */
export async function getBlob(exchange: Exchange): Promise<void> {
  const digest = parseDigest(exchange.reference);
  const { redirects } = exchange.api;
  if (redirects !== undefined && (await redirected(exchange, digest, redirects))) return;
  const { headers } = exchange.request;
  const noneMatch = headers["if-none-match"];
  const range = headers.range;
  if (exchange.isHead || noneMatch !== undefined || range !== undefined) {
    await conditionalBlob(exchange, digest, noneMatch, range);
    return;
  }
  const stream = await exchange.repository.blobs.open(digest, exchange.call);
  try {
    exchange.head(200, blobHeaders(digest, stream.size));
    await sendStream(exchange.response, stream, stream.size, exchange.api.options.sendTimeout);
  } finally {
    await stream.close();
  }
}

async function conditionalBlob(
  exchange: Exchange,
  digest: Digest,
  noneMatch: string | undefined,
  rangeHeader: string | undefined,
): Promise<void> {
  const { blobs } = exchange.repository;
  const { size } = await blobs.stat(digest, { ...exchange.call, keep: mayLeaveOut(exchange) });
  if (noneMatch !== undefined && noneMatchHits(noneMatch, digest, ETAG_RULES)) {
    exchange.end(304, ["Docker-Content-Digest", digest, "Etag", `"${digest}"`, "Cache-Control", FOR_A_YEAR]);
    return;
  }
  const honoured = ifRangeHolds(exchange.header("if-range"), digest) ? rangeHeader : undefined;
  const range = parseRange(honoured, size);
  if (range.kind === "malformed" || range.kind === "unsatisfiable") {
    refuseRange(exchange, digest, size, range.kind);
    return;
  }
  const part = range.kind === "part" ? range : { start: 0, end: size - 1 };
  const length = part.end - part.start + 1;
  const head = blobHeaders(digest, length);
  if (range.kind === "part") head.push("Content-Range", `bytes ${part.start}-${part.end}/${size}`);
  const status = range.kind === "part" ? 206 : 200;
  if (exchange.isHead || length === 0) {
    exchange.end(status, head);
    return;
  }
  const stream = await blobs.open(digest, { ...part, signal: exchange.signal });
  try {
    exchange.head(status, head);
    await sendStream(exchange.response, stream, length, exchange.api.options.sendTimeout);
  } finally {
    await stream.close();
  }
}

/** A client that pushes asks with HEAD whether it can leave a blob out. */
function mayLeaveOut(exchange: Exchange): boolean {
  return exchange.isHead && !exchange.api.options.readOnly;
}

function blobHeaders(digest: Digest, length: number): string[] {
  return [
    "Content-Type",
    OCTET_STREAM,
    "Content-Length",
    String(length),
    "Docker-Content-Digest",
    digest,
    "Etag",
    `"${digest}"`,
    "Cache-Control",
    FOR_A_YEAR,
    "Accept-Ranges",
    "bytes",
  ];
}

/** In Go's plain words, which the original passes on (contract §1.7). */
function refuseRange(exchange: Exchange, digest: Digest, size: number, kind: "malformed" | "unsatisfiable"): void {
  const known = ["Docker-Content-Digest", digest];
  if (kind === "malformed") sendText(exchange, 416, "invalid range\n", known);
  else sendText(exchange, 416, "invalid range: failed to overlap\n", ["Content-Range", `bytes */${size}`, ...known]);
}

/** Sends the client to where the bytes are, if the storage can (contract §1.7). */
async function redirected(exchange: Exchange, digest: Digest, redirects: Redirects): Promise<boolean> {
  const clientAddress = exchange.api.site.clientAddress(exchange.request);
  if (!redirects(clientAddress)) return false;
  const request = { method: exchange.isHead ? "HEAD" : "GET", clientAddress } as const;
  const options = { ...exchange.call, keep: mayLeaveOut(exchange) };
  const location = await exchange.repository.blobs.redirectUrl(digest, request, options);
  if (location === undefined) return false;
  exchange.end(307, ["Location", location, "Content-Type", OCTET_STREAM, "Content-Length", "0"]);
  return true;
}

/** `DELETE /v2/<name>/blobs/<digest>` (distribution-spec §Deleting Blobs). */
export async function deleteBlob(exchange: Exchange): Promise<void> {
  if (!exchange.api.options.deleteEnabled) throw new ApiError("UNSUPPORTED");
  await exchange.repository.blobs.delete(parseDigest(exchange.reference));
  exchange.end(202, ["Content-Length", "0"]);
}
