import { MIB } from "@longshore/base/size";
import { OCTET_STREAM, parseDigest, type Digest } from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import { ifRangeHolds, noneMatchHits } from "../headers/conditional.js";
import { isToBeShown } from "../access/to-be-shown.js";
import type { Exchange } from "../exchange.js";
import { bytesOf, multipartOf } from "../headers/multipart.js";
import { parseRange, type ByteRange } from "../headers/range.js";
import type { Redirects } from "../client/redirects.js";
import { sendStream } from "../body/send-blob.js";
import { sendText } from "../response/text.js";

/** A blob never changes (wire contract §1.7). */
const FOR_A_YEAR = "max-age=31536000";

const ETAG_RULES = { unquoted: false };

/** `GET` and `HEAD /v2/<name>/blobs/<digest>` (distribution-spec §Pulling blobs). */
export async function getBlob(exchange: Exchange): Promise<void> {
  const digest = parseDigest(exchange.reference);
  const { redirects } = exchange.shared;
  // What a page downloads must not be shown there.
  if (exchange.grant.toPage === true || isToBeShown(exchange.request))
    exchange.note(["Content-Disposition", "attachment"]);
  if (
    redirects !== undefined &&
    !(await isForPage(exchange, digest)) &&
    (await redirected(exchange, digest, redirects))
  ) {
    return;
  }
  const { headers } = exchange.request;
  const noneMatch = headers["if-none-match"];
  const range = headers.range;
  if (exchange.isHead || noneMatch !== undefined || range !== undefined) {
    await conditionalBlob(exchange, digest, noneMatch, range);
    return;
  }
  const stream = await exchange.repository.blobs.open(digest, exchange.call);
  try {
    exchange.head(200, blobHeaders(digest), stream.size);
    await sendStream(exchange.response, stream, stream.size, exchange.shared.config.http.limits.bodyidletimeout);
  } finally {
    await stream.close();
  }
}

/** What the page reads by itself is no larger (bytes). */
const MOST_READ_BY_PAGE = 16 * MIB;

/**
 * The console may connect to nothing but this host, so it isn't redirected. Any client can say that it is the page: without a session, only
 * what the page shows is sent.
 */
async function isForPage({ grant, repository, call }: Exchange, digest: Digest): Promise<boolean> {
  if (grant.toPage !== true || grant.bySession === true) return grant.bySession === true;
  return (await repository.blobs.stat(digest, call)).size <= MOST_READ_BY_PAGE;
}

async function conditionalBlob(
  exchange: Exchange,
  digest: Digest,
  noneMatch: string | undefined,
  rangeHeader: string | undefined,
): Promise<void> {
  const { blobs } = exchange.repository;
  const { size } = await blobs.stat(digest, {
    keep: maySkip(exchange),
    get signal() {
      return exchange.signal;
    },
  });
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
  if (range.kind === "parts") {
    await sendParts(exchange, digest, range.parts, size);
    return;
  }
  const part = range.kind === "part" ? range : { start: 0, end: size - 1 };
  const length = part.end - part.start + 1;
  const head = blobHeaders(digest);
  if (range.kind === "part") head.push("Content-Range", `bytes ${part.start}-${part.end}/${size}`);
  const status = range.kind === "part" ? 206 : 200;
  if (exchange.isHead || length === 0) {
    exchange.endWithoutBody(status, head, length);
    return;
  }
  const stream = await blobs.open(digest, { start: part.start, end: part.end, size, signal: exchange.signal });
  try {
    exchange.head(status, head, length);
    await sendStream(exchange.response, stream, length, exchange.shared.config.http.limits.bodyidletimeout);
  } finally {
    await stream.close();
  }
}

async function sendParts(exchange: Exchange, digest: Digest, parts: readonly ByteRange[], size: number): Promise<void> {
  const multipart = multipartOf(parts, size, OCTET_STREAM);
  const head = blobHeaders(digest, multipart.contentType);
  if (exchange.isHead) {
    exchange.endWithoutBody(206, head, multipart.length);
    return;
  }
  const { blobs } = exchange.repository;
  const bytes = bytesOf(multipart, (range) => blobs.open(digest, { ...range, size, signal: exchange.signal }));
  try {
    exchange.head(206, head, multipart.length);
    await sendStream(exchange.response, bytes, multipart.length, exchange.shared.config.http.limits.bodyidletimeout);
  } finally {
    await bytes.return();
  }
}

/** A pushing client asks with HEAD whether it can skip a blob. */
function maySkip(exchange: Exchange): boolean {
  return exchange.isHead && !exchange.shared.config.storage.maintenance.readonly.enabled;
}

function blobHeaders(digest: Digest, contentType = OCTET_STREAM): string[] {
  return [
    "Content-Type",
    contentType,
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

/** In Go's plain text, as from Distribution (wire contract §1.7). */
function refuseRange(exchange: Exchange, digest: Digest, size: number, kind: "malformed" | "unsatisfiable"): void {
  const known = ["Docker-Content-Digest", digest];
  if (kind === "malformed") sendText(exchange, 416, "invalid range\n", known);
  else sendText(exchange, 416, "invalid range: failed to overlap\n", ["Content-Range", `bytes */${size}`, ...known]);
}

/** Redirects the client to the bytes, if the storage can (wire contract §1.7). */
async function redirected(exchange: Exchange, digest: Digest, redirects: Redirects): Promise<boolean> {
  const clientAddress = exchange.shared.site.clients.of(exchange.request);
  if (!redirects(clientAddress) || (await asksForParts(exchange, digest))) return false;
  const request = { method: exchange.isHead ? "HEAD" : "GET", clientAddress } as const;
  const options = { ...exchange.call, keep: maySkip(exchange) };
  const location = await exchange.repository.blobs.redirectUrl(digest, request, options);
  if (location === undefined) return false;
  exchange.end(307, ["Location", location, "Content-Type", OCTET_STREAM]);
  return true;
}

/** S3 ignores a list of ranges and sends everything: a client that asks for several is served from here. */
async function asksForParts(exchange: Exchange, digest: Digest): Promise<boolean> {
  const { range } = exchange.request.headers;
  if (range?.includes(",") !== true || !ifRangeHolds(exchange.header("if-range"), digest)) return false;
  const { size } = await exchange.repository.blobs.stat(digest, exchange.call);
  return parseRange(range, size).kind === "parts";
}

/** `DELETE /v2/<name>/blobs/<digest>` (distribution-spec §Deleting Blobs). */
export async function deleteBlob(exchange: Exchange): Promise<void> {
  if (!exchange.shared.config.storage.delete.enabled) throw new ApiError("UNSUPPORTED");
  await exchange.repository.blobs.delete(parseDigest(exchange.reference));
  exchange.end(202, []);
}
