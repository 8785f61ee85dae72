import { OCI_INDEX, parseDigest, type Descriptor } from "@longshore/storage";
import type { Exchange } from "../exchange.js";
import { nextLink, parseCount } from "../headers/pagination.js";

/** The most descriptors of a page, however many are requested. */
const MAX_ENTRIES = 1000;

/** Bytes of a page: an index is a manifest, and clients read those up to 4 MiB. Annotations can be large. */
const MAX_BYTES = 4 * 1024 * 1024 - 1024;

/**
 * `GET /v2/<name>/referrers/<digest>` (distribution-spec §Listing Referrers): responds with 200 even if nothing refers to
 * the digest.
 */
export async function listReferrers(exchange: Exchange): Promise<void> {
  const subject = parseDigest(exchange.reference);
  const artifactType = exchange.parameter("artifactType");
  const limit = parseCount(exchange.parameter("n"), MAX_ENTRIES, "number") ?? MAX_ENTRIES;
  const page = await exchange.repository.referrers.list(subject, {
    artifactType,
    after: exchange.parameter("last"),
    limit,
    signal: exchange.listSignal,
  });
  const entries = fitting(page.items);
  const isCut = entries.length < page.items.length;
  // A page that had to read many entries may list none and still have a next page.
  const last = (isCut ? undefined : page.next) ?? page.items[entries.length - 1]?.digest;
  const text = `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[${entries.join(",")}]}`;
  const headers = ["Content-Type", OCI_INDEX];
  if (artifactType !== undefined) headers.push("OCI-Filters-Applied", "artifactType");
  if ((page.more || isCut) && last !== undefined) {
    headers.push("Link", nextLink(exchange.path, { artifactType, last, n: limit }));
  }
  exchange.end(200, headers, text);
}

/** As many of the descriptors as fit on a page, as JSON; at least one. */
function fitting(descriptors: readonly Descriptor[]): string[] {
  const entries: string[] = [];
  let bytes = 0;
  for (const descriptor of descriptors) {
    const entry = JSON.stringify(descriptor);
    bytes += Buffer.byteLength(entry) + 1;
    if (bytes > MAX_BYTES && entries.length > 0) break;
    entries.push(entry);
  }
  return entries;
}
