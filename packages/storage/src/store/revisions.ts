import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { digestAt } from "../layout/parse.js";
import { algorithmRevisionsDirectory, revisionLink } from "../layout/paths.js";
import { DIGEST_ALGORITHMS, type Digest, type DigestAlgorithm } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "./concurrent.js";
import { hasLink } from "./links.js";
import { listBatches } from "./paging.js";

/** Links that are looked at side by side. */
const CONCURRENCY = 16;

/** Names that are asked for at a time. */
const BATCH = 64;

/**
 * Emptied revision directories that are passed over, for each algorithm, before a repository is taken to hold a manifest
 * unseen. The original leaves one behind for each manifest that it deletes (contract §5); the bound keeps a repository
 * that nothing but those are left of from making a list slow.
 */
const MAX_EMPTY = 10_000;

/** Whether the repository `name` has at least one manifest linked. */
export async function holdsManifest(
  name: RepositoryName,
  driver: StorageDriver,
  options?: CallOptions,
): Promise<boolean> {
  const isLinked = (digest: Digest) => hasLink(driver, revisionLink(name, digest), digest, options);
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

/** Digests that have, or had, a revision of the repository `name`, in order, in batches. Links aren't looked at. */
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
