import { MINUTE, SECOND } from "@longshore/base/duration";
import { MIB } from "@longshore/base/size";
import type { Page, PageRequest, Registry, RepositoryName } from "@longshore/storage";
import type { MirroredUpstream, MirrorObserver } from "../contract.js";
import { createSharedWork } from "../manifests/shared-work.js";
import type { Routing } from "../routing.js";
import { readAllPages } from "../upstream/all-pages.js";
import type { UpstreamPage } from "../upstream/contract.js";
import { isUpstreamError, UpstreamError } from "../upstream/errors.js";
import { mergePage } from "./merge-page.js";

/** What the list of repositories is made of. */
export interface CatalogParts {
  readonly registry: Pick<Registry, "repositories">;
  readonly routing: Routing;
  readonly observer: MirrorObserver;
  /** For how long (ms) an upstream that failed to list its repositories isn't asked again. */
  readonly refusalAge: number;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  readonly bounds?: CatalogBounds;
}

/** What is read of one upstream's catalog at most. An upstream that has more counts as one that failed. */
export interface CatalogBounds {
  readonly names: number;
  /** Of all names together. */
  readonly bytes: number;
  /** For all pages (ms). */
  readonly time: number;
}

const BOUNDS: CatalogBounds = { names: 100_000, bytes: 8 * MIB, time: 20 * SECOND };

/** Names that are asked for at once: the most that Distribution gives by default. */
const PAGE = 1000;

/** For how long (ms) a list serves the pages that follow the first. */
const PAGING_AGE = MINUTE / 2;

/** Lists the registry's repositories, and those that upstreams with `catalog: upstream` list. Never fails because of an upstream. */
export function createCatalog(parts: CatalogParts): Registry["repositories"] {
  const { registry, routing } = parts;
  const listed = routing.upstreams
    .filter(({ catalog }) => catalog === "upstream")
    .map((upstream) => createUpstreamCatalog(upstream, parts));
  if (listed.length === 0) return (page) => registry.repositories(page);
  return async (page = {}): Promise<Page<RepositoryName>> => {
    const [first, ...others] = await Promise.all([
      registry.repositories(page),
      ...listed.map((namesFor) => namesFor(page)),
    ]);
    return mergePage(first, others, page);
  };
}

/** The repositories of one upstream, by their names here, in order. */
function createUpstreamCatalog(
  upstream: MirroredUpstream,
  parts: CatalogParts,
): (page: PageRequest) => Promise<readonly RepositoryName[]> {
  const { observer, now, refusalAge } = parts;
  const { freshness, label } = upstream;
  const reading = createSharedWork<readonly RepositoryName[]>();
  let known: { readonly names: readonly RepositoryName[]; readonly readAt: number } | undefined;
  let failedAt: number | undefined;

  const read = async (): Promise<readonly RepositoryName[]> => {
    const readAt = now();
    try {
      known = { names: await readNames(upstream, parts), readAt };
      failedAt = undefined;
    } catch (error) {
      if (!isUpstreamError(error)) throw error;
      failedAt = now();
      // It no longer shows what it has.
      if (error.code === "UNSUPPORTED" || error.code === "DENIED") known = undefined;
      (known === undefined ? observer.unlisted : observer.stale)?.(label, error);
    }
    return known?.names ?? [];
  };

  return async ({ after, signal }) => {
    // A first page is asked for anew once it isn't fresh; those behind it are of the same list.
    const age = after === undefined ? freshness : Math.max(freshness, PAGING_AGE);
    if (known !== undefined && now() - known.readAt < age) return known.names;
    if (failedAt !== undefined && now() - failedAt < refusalAge) return known?.names ?? [];
    return reading.join(label, read, signal);
  };
}

async function readNames(
  upstream: MirroredUpstream,
  { routing, bounds = BOUNDS }: CatalogParts,
): Promise<readonly RepositoryName[]> {
  const { client } = upstream;
  const { host } = client;
  const signal = AbortSignal.timeout(bounds.time);
  const tooMany = (): UpstreamError =>
    new UpstreamError(host, {
      code: "INVALID_ANSWER",
      reason: `it lists more than ${bounds.names} repositories, or names of more than ${bounds.bytes} bytes`,
    });
  const firstPage = async (): Promise<UpstreamPage<RepositoryName>> => {
    try {
      return await client.repositories({ signal, limit: PAGE });
    } catch (error) {
      // Distribution refuses an `n` above its `catalog.maxentries`.
      if (isUpstreamError(error, "INVALID_ANSWER")) return client.repositories({ signal });
      throw error;
    }
  };
  const names = new Set<RepositoryName>();
  let bytes = 0;
  const page = async (cursor: string | undefined): Promise<UpstreamPage<RepositoryName>> => {
    const answer = await (cursor === undefined ? firstPage() : client.repositories({ signal, cursor }));
    for (const remote of answer.items) {
      bytes += remote.length;
      if (bytes > bounds.bytes) throw tooMany();
      // Page by page, so that patterns never hold up other requests for long.
      const name = routing.nameOf(upstream, remote);
      if (name !== undefined) names.add(name);
    }
    return answer;
  };
  try {
    await readAllPages({ host, what: "repositories", page, most: bounds.names, tooMany });
  } catch (error) {
    if (isUpstreamError(error) || !signal.aborted) throw error;
    const reason = `its list of repositories didn't arrive within ${bounds.time / SECOND} s`;
    throw new UpstreamError(host, { code: "UNAVAILABLE", reason, retryAfter: 1 }, { cause: error });
  }
  return [...names].sort((a, b) => (a < b ? -1 : 1));
}
