import type { BlobStore } from "../../contract/blob-store.js";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { isStorageError, StorageError } from "../../errors.js";
import { blobData, layerLink, revisionLink } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import type { ManifestReference } from "../../model/manifest/references.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { renewBlob, renewManifest, type LeasePlace } from "../leases/leases.js";
import { hasLink, orUndefined } from "../shared/links.js";

/** What the check needs of a repository's blobs. */
type Blobs = Pick<BlobStore, "stat">;

/** How many references of one push are looked up concurrently. */
const CONCURRENCY = 8;

/** How many references are looked up before the missing ones are counted. */
const BATCH = 256;

/** The search ends after so many missing references: a manifest of 4 MiB can name 40,000. */
const ENOUGH_MISSING = 1000;

/**
 * Throws MANIFEST_REFERENCES_UNKNOWN, naming all of them (or about the first thousand), if any of `references` isn't linked in the
 * repository `name` or has no bytes.
 */
export async function checkReferences(
  references: readonly ManifestReference[],
  { name, driver, blobs }: { readonly name: RepositoryName; readonly driver: StorageDriver; readonly blobs: Blobs },
  options?: CallOptions,
): Promise<void> {
  const asBlob = (digest: Digest): Promise<boolean> => hasBlob(blobs, digest, options);
  const asManifest = (digest: Digest): Promise<boolean> => hasManifest(name, driver, digest, options);
  await findAll(references, (reference) => isThere(reference, asBlob, asManifest));
}

/**
 * Throws MANIFEST_REFERENCES_UNKNOWN if any of `references` that is a manifest isn't linked in the repository `name` any more;
 * blobs aren't looked for.
 */
export async function checkChildren(
  references: readonly ManifestReference[],
  { name, driver }: Pick<LeasePlace, "name" | "driver">,
  options?: CallOptions,
): Promise<void> {
  const children = references.filter(({ kind }) => kind !== "blob");
  const asBlob = async (digest: Digest): Promise<boolean> =>
    (await orUndefined(driver.stat(layerLink(name, digest), { ...options, fileOnly: true }))) !== undefined;
  const asManifest = (digest: Digest): Promise<boolean> => hasLink(driver, revisionLink(name, digest), digest, options);
  await findAll(children, (reference) => isThere(reference, asBlob, asManifest));
}

/**
 * Like {@link checkReferences}, and renews the lease of each: what is found here is kept for as long as a collection that hasn't
 * seen the manifest's link can last. `others` are renewed if they exist.
 */
export async function renewReferences(
  references: readonly ManifestReference[],
  others: readonly ManifestReference[],
  place: LeasePlace,
  options?: CallOptions,
): Promise<void> {
  const asBlob = (digest: Digest): Promise<boolean> => renewBlob(place, digest, options);
  const asManifest = (digest: Digest): Promise<boolean> => renewManifest(place, digest, options);
  const renewed = (reference: ManifestReference): Promise<boolean> => isThere(reference, asBlob, asManifest);
  await findAll(references, renewed);
  await mapConcurrently(distinct(others), CONCURRENCY, renewed);
}

/** Looks among blobs or manifests, by the kind of `reference`; if it can be either, among blobs first, since few are manifests. */
async function isThere(
  { kind, descriptor: { digest } }: ManifestReference,
  asBlob: (digest: Digest) => Promise<boolean>,
  asManifest: (digest: Digest) => Promise<boolean>,
): Promise<boolean> {
  if (kind !== "manifest" && (await asBlob(digest))) return true;
  return kind !== "blob" && asManifest(digest);
}

function distinct(references: readonly ManifestReference[]): readonly ManifestReference[] {
  // An image may name one blob many times, as artifacts do with the empty config.
  return [...new Map(references.map((reference) => [keyOf(reference), reference])).values()];
}

/** Throws MANIFEST_REFERENCES_UNKNOWN if `find` returns false for any reference. */
async function findAll(
  references: readonly ManifestReference[],
  find: (reference: ManifestReference) => Promise<boolean>,
): Promise<void> {
  const wanted = distinct(references);
  const missing = new Set<Digest>();
  for (let at = 0; at < wanted.length && missing.size < ENOUGH_MISSING; at += BATCH) {
    const batch = wanted.slice(at, at + BATCH);
    const found = await mapConcurrently(batch, CONCURRENCY, find);
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
  const info = await orUndefined(driver.stat(blobData(digest), { ...options, fileOnly: true }));
  return info !== undefined && !info.isDirectory && info.size > 0;
}
