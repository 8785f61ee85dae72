import type { BlobStore } from "../contract/blob-store.js";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isStorageError, StorageError } from "../errors.js";
import { blobData, revisionLink } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { ManifestReference } from "../model/manifest/references.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "./concurrent.js";
import { renewBlob, renewManifest, type LeasePlace } from "./leases.js";
import { hasLink, orUndefined } from "./links.js";

/** All that is asked of a repository's blobs. */
type Blobs = Pick<BlobStore, "stat">;

/** References that are looked up side by side for one push. */
const CONCURRENCY = 8;

/** References between two looks at how many are missing. */
const BATCH = 256;

/** Missing ones after which nobody looks further: a manifest of 4 MiB can name 40,000 that aren't there. */
const ENOUGH_MISSING = 1000;

/**
 * Throws MANIFEST_REFERENCES_UNKNOWN, naming all of them (or the first thousand and some), where one of `references` isn't
 * in the repository `name`: linked there, with its bytes.
 */
export async function checkReferences(
  references: readonly ManifestReference[],
  { name, driver, blobs }: { readonly name: RepositoryName; readonly driver: StorageDriver; readonly blobs: Blobs },
  options?: CallOptions,
): Promise<void> {
  await findAll(references, ({ kind, descriptor: { digest } }) =>
    kind === "blob" ? hasBlob(blobs, digest, options) : hasManifest(name, driver, digest, options),
  );
}

/**
 * As {@link checkReferences}, and renews the lease of each: what is found here stays for as long as a collection that didn't
 * see the manifest's link can last. `others` are renewed where they are there.
 */
export async function renewReferences(
  references: readonly ManifestReference[],
  others: readonly ManifestReference[],
  place: LeasePlace,
  options?: CallOptions,
): Promise<void> {
  const renewed = ({ kind, descriptor: { digest } }: ManifestReference): Promise<boolean> =>
    kind === "blob" ? renewBlob(place, digest, options) : renewManifest(place, digest, options);
  await findAll(references, renewed);
  await mapConcurrently(distinct(others), CONCURRENCY, renewed);
}

function distinct(references: readonly ManifestReference[]): readonly ManifestReference[] {
  // An image may name one blob many times, as artifacts do with the empty config.
  return [...new Map(references.map((reference) => [keyOf(reference), reference])).values()];
}

/** Throws MANIFEST_REFERENCES_UNKNOWN for those that `isThere` doesn't find. */
async function findAll(
  references: readonly ManifestReference[],
  isThere: (reference: ManifestReference) => Promise<boolean>,
): Promise<void> {
  const wanted = distinct(references);
  const missing = new Set<Digest>();
  for (let at = 0; at < wanted.length && missing.size < ENOUGH_MISSING; at += BATCH) {
    const batch = wanted.slice(at, at + BATCH);
    const found = await mapConcurrently(batch, CONCURRENCY, isThere);
    for (const [index, { descriptor }] of batch.entries()) if (found[index] !== true) missing.add(descriptor.digest);
  }
  if (missing.size > 0) throw new StorageError({ code: "MANIFEST_REFERENCES_UNKNOWN", digests: [...missing] });
}

function keyOf({ kind, descriptor }: ManifestReference): string {
  return `${kind} ${descriptor.digest}`;
}

async function hasBlob(blobs: Blobs, digest: Digest, options?: CallOptions): Promise<boolean> {
  try {
    await blobs.stat(digest, options);
    return true;
  } catch (error) {
    if (isStorageError(error, "BLOB_UNKNOWN")) return false;
    throw error;
  }
}

async function hasManifest(
  name: RepositoryName,
  driver: StorageDriver,
  digest: Digest,
  options?: CallOptions,
): Promise<boolean> {
  if (!(await hasLink(driver, revisionLink(name, digest), digest, options))) return false;
  return (await orUndefined(driver.stat(blobData(digest), options))) !== undefined;
}
