import {
  isStorageError,
  OCI_INDEX,
  parseManifest,
  parseTagName,
  splitDigest,
  type Descriptor,
  type Digest,
  type RepositoryName,
  type TagName,
} from "@longshore/storage";
import { MIB } from "@longshore/base/size";
import { readWhole } from "./body.js";
import type { UpstreamCall } from "./contract.js";
import { isUpstreamError, UpstreamError } from "./errors.js";
import { nextQuery } from "./link.js";
import type { ApiOptions, ManifestApi } from "./manifests.js";
import { mediaTypeOf } from "./media-type.js";
import { pullScope } from "./scope.js";

/** One page of referrers, and all of them (bytes); and how many pages are read of them. */
const MAX_PAGE = 8 * MIB;
const MAX_BYTES = 32 * MIB;
const MAX_PAGES = 1000;

export type ListReferrers = (
  name: RepositoryName,
  subject: Digest,
  call?: UpstreamCall & { readonly artifactType?: string | undefined },
) => Promise<readonly Descriptor[]>;

/** Who names a manifest at an upstream, by whichever of the two ways it has. */
export function createReferrerApi({ host, exchange, timeout }: ApiOptions, manifests: ManifestApi): ListReferrers {
  /** Undefined: the upstream has no such API. */
  const page = async (
    name: RepositoryName,
    subject: Digest,
    query: string,
    signal: AbortSignal | undefined,
  ): Promise<ReferrersPage | undefined> => {
    const answer = await exchange.send({
      kind: "referrers",
      method: "GET",
      path: `/v2/${name}/referrers/${subject}${query === "" ? "" : `?${query}`}`,
      headers: { accept: OCI_INDEX },
      scope: pullScope(name),
      expect: [200, 400, 404, 405, 406, 501],
      signal,
    });
    // A server that sends every unknown path to its front page has no referrers API either.
    if (answer.status !== 200 || mediaTypeOf(answer.headers) !== OCI_INDEX) {
      await answer.drop();
      return undefined;
    }
    const bytes = await readWhole(answer, { host, what: "list of referrers", limit: MAX_PAGE, timeout });
    return { items: readIndex(bytes, host), bytes: bytes.byteLength, next: nextQuery(answer.headers["link"]) };
  };

  return async (name, subject, { artifactType, signal } = {}) => {
    const found: Descriptor[] = [];
    const wanted = (items: readonly Descriptor[]): readonly Descriptor[] =>
      artifactType === undefined ? items : items.filter((each) => each.artifactType === artifactType);
    let query = artifactType === undefined ? "" : new URLSearchParams({ artifactType }).toString();
    for (let pages = 0, bytes = 0; pages < MAX_PAGES && bytes <= MAX_BYTES; pages += 1) {
      const next = await page(name, subject, query, signal);
      if (next === undefined) return wanted(pages > 0 ? found : await fallback(manifests, name, subject, signal));
      for (const item of next.items) found.push(item);
      bytes += next.bytes;
      if (next.next === undefined || next.next === query) return wanted(found);
      query = next.next;
    }
    throw new UpstreamError(host, { code: "INVALID_ANSWER", reason: "its list of referrers is too long" });
  };
}

interface ReferrersPage {
  readonly items: readonly Descriptor[];
  readonly bytes: number;
  readonly next: string | undefined;
}

/** The index under the tag `<algorithm>-<hex>` (distribution-spec §Referrers Tag Schema). */
async function fallback(
  manifests: ManifestApi,
  name: RepositoryName,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[]> {
  try {
    const { bytes, mediaType } = await manifests.fetch(name, fallbackTag(subject), { accept: [OCI_INDEX], signal });
    const manifest = parseManifest(bytes, mediaType);
    return manifest.kind === "index" ? manifest.manifests : [];
  } catch (error) {
    if (isUpstreamError(error, "NOT_FOUND")) return [];
    throw error;
  }
}

/** The tag that has the referrers of `subject` where there is no API (distribution-spec §Referrers Tag Schema). */
export function fallbackTag(subject: Digest): TagName {
  const { algorithm, hex } = splitDigest(subject);
  return parseTagName(`${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`);
}

function readIndex(bytes: Uint8Array, host: string): readonly Descriptor[] {
  try {
    const manifest = parseManifest(bytes, OCI_INDEX);
    return manifest.kind === "index" ? manifest.manifests : [];
  } catch (error) {
    if (!isStorageError(error)) throw error;
    throw new UpstreamError(host, {
      code: "INVALID_ANSWER",
      reason: `its list of referrers is damaged: ${error.message}`,
    });
  }
}
