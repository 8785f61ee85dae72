import { LRUCache } from "lru-cache";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import type { Page, PageRequest } from "../../contract/tag-store.js";
import { digestAt } from "../../layout/parse.js";
import { algorithmRevisionsDirectory, revisionLink } from "../../layout/paths.js";
import { DIGEST_ALGORITHMS, type Digest, type DigestAlgorithm } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { hasLink } from "../shared/links.js";
import { batchSize, listBatches, takePage } from "../shared/paging.js";

/** How many links are checked concurrently. */
const CONCURRENCY = 16;

/** How many names are requested at a time. */
const BATCH = 64;

/**
 * How many empty revision directories are skipped, for each algorithm, before a repository is assumed to contain a manifest.
 * Distribution leaves one behind for each manifest that it deletes (wire contract §5); without the bound, a repository that
 * contains nothing else would make lists slow.
 */
const MAX_EMPTY = 10_000;

/** A linked manifest of each repository where one was found: looked at first the next time, which costs one `stat`. */
export type FoundManifests = LRUCache<RepositoryName, Digest>;

/** Remembers a manifest for each of the `limit` repositories used last, of some 300 bytes each. Grows with them. */
export const createFoundManifests = (limit: number): FoundManifests =>
  new LRUCache({ maxSize: limit, sizeCalculation: () => 1 });

/** Whether the repository `name` links at least one manifest. */
export async function holdsManifest(
  name: RepositoryName,
  driver: StorageDriver,
  options?: CallOptions,
  found?: FoundManifests,
): Promise<boolean> {
  const isLinked = async (digest: Digest): Promise<boolean> => {
    const linked = await hasLink(driver, revisionLink(name, digest), digest, options);
    if (linked) found?.set(name, digest);
    return linked;
  };
  const last = found?.get(name);
  if (last !== undefined && (await isLinked(last))) return true;
  for (const algorithm of DIGEST_ALGORITHMS) {
    let empty = 0;
    for await (const [first, ...rest] of revisionBatches(name, algorithm, driver, options)) {
      // Nearly always the first one decides.
      if (first !== undefined && (await isLinked(first))) return true;
      const linked = await mapConcurrently(rest, CONCURRENCY, isLinked);
      empty += linked.length + 1;
      if (linked.includes(true) || empty >= MAX_EMPTY) return true;
    }
  }
  return false;
}

/** A page of the digests that the repository `name` links as manifests, ascending. */
export function listManifests(
  name: RepositoryName,
  driver: StorageDriver,
  page: PageRequest = {},
): Promise<Page<Digest>> {
  return takePage(linkedAfter(name, driver, page), page.limit);
}

async function* linkedAfter(
  name: RepositoryName,
  driver: StorageDriver,
  { after, limit, signal }: PageRequest,
): AsyncGenerator<readonly Digest[], void, undefined> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    const prefix = `${algorithm}:`;
    const isInside = after?.startsWith(prefix) === true;
    // Algorithms are in the order of their names.
    if (after !== undefined && after > prefix && !isInside) continue;
    const startAfter = isInside ? after.slice(prefix.length) : undefined;
    const directory = algorithmRevisionsDirectory(name, algorithm);
    for await (const names of listBatches(driver, directory, startAfter, batchSize(limit), { signal })) {
      const digests = names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined);
      const linked = await mapConcurrently(digests, CONCURRENCY, (digest) =>
        hasLink(driver, revisionLink(name, digest), digest, { signal }),
      );
      yield digests.filter((_digest, index) => linked[index]);
    }
  }
}

/** Digests that have, or had, a revision in the repository `name`, in order, in batches. Links aren't checked. */
export async function* revisionBatches(
  name: RepositoryName,
  algorithm: DigestAlgorithm,
  driver: StorageDriver,
  options?: CallOptions,
): AsyncGenerator<readonly Digest[], void, undefined> {
  const directory = algorithmRevisionsDirectory(name, algorithm);
  for await (const names of listBatches(driver, directory, undefined, BATCH, options)) {
    yield names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined);
  }
}
