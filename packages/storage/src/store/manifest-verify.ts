import type { BlobStore } from "../contract/blob-store.js";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isStorageError, StorageError } from "../errors.js";
import { blobData, revisionLink } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { ManifestReference } from "../model/manifest/references.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "./concurrent.js";
import { hasLink, orUndefined } from "./links.js";

/** All that is asked of a repository's blobs. */
type Blobs = Pick<BlobStore, "stat">;

/** References that are looked up side by side for one push. */
const CONCURRENCY = 8;

/**
 * Throws MANIFEST_REFERENCES_UNKNOWN, naming all of them, where one of `references` isn't in the repository `name`: linked
 * there, with its bytes.
 */
export async function checkReferences(
  references: readonly ManifestReference[],
  { name, driver, blobs }: { readonly name: RepositoryName; readonly driver: StorageDriver; readonly blobs: Blobs },
  options?: CallOptions,
): Promise<void> {
  // An image may name one blob many times, as artifacts do with the empty config.
  const distinct = [...new Map(references.map((reference) => [keyOf(reference), reference])).values()];
  const missing = await mapConcurrently(distinct, CONCURRENCY, async ({ kind, descriptor: { digest } }) => {
    const found =
      kind === "blob" ? await hasBlob(blobs, digest, options) : await hasManifest(name, driver, digest, options);
    return found ? undefined : digest;
  });
  const digests = [...new Set(missing.filter((digest) => digest !== undefined))];
  if (digests.length > 0) throw new StorageError({ code: "MANIFEST_REFERENCES_UNKNOWN", digests });
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
