import type { CallOptions } from "../contract/driver.js";
import type { ManifestPush, PushedManifest } from "../contract/manifest-store.js";
import { isStorageError, StorageError } from "../errors.js";
import { blobData, revisionDirectory, revisionLink } from "../layout/paths.js";
import { CANONICAL_ALGORITHM, digestOf, splitDigest, type Digest } from "../model/digest.js";
import { describeManifest } from "../model/manifest/manifest.js";
import { parseManifest } from "../model/manifest/parse.js";
import { sniffMediaType } from "../model/manifest/sniff.js";
import type { RepositoryName } from "../model/repository-name.js";
import { allEnded, mapConcurrently } from "./concurrent.js";
import { hasLink, orUndefined, writeLink } from "./links.js";
import { checkReferences } from "./manifest-verify.js";
import type { ManifestDependencies } from "./manifest-dependencies.js";
import { removeEntry, writeEntry } from "./referrer-entries.js";
import { checkClass, checkUrls, requiredReferences } from "./validation.js";

/** Tags of one push that are written side by side. */
const TAG_CONCURRENCY = 8;

/** How often deletes of the same manifest may get in between before a push leaves it at that. */
const ATTEMPTS = 10;

/**
 * Pushes a manifest to the repository `name`; see `ManifestStore.put`. In the original's order (contract §5): bytes, then
 * the link, then tags, each durable before the next, so that a crash leaves nothing that points to what isn't there.
 */
export async function putManifest(
  push: ManifestPush,
  name: RepositoryName,
  dependencies: ManifestDependencies,
  options?: CallOptions,
): Promise<PushedManifest> {
  const { driver, cache, tags, validation, classes, maxBytes } = dependencies;
  const { bytes } = push;
  if (bytes.length > maxBytes) {
    const reason = `the manifest has ${bytes.length} bytes, and the limit is ${maxBytes}`;
    throw new StorageError({ code: "MANIFEST_INVALID", reason });
  }
  const manifest = parseManifest(bytes, push.mediaType);
  const digest = checkedDigest(push);
  checkClass(manifest, classes, push.grantedClasses);
  checkUrls(manifest, validation);
  const references = requiredReferences(manifest, validation);
  const place = { ...dependencies, name };
  await checkReferences(references, place, options);

  const descriptor = describeManifest(manifest, digest, bytes.length);
  const subject = manifest.subject?.digest;
  await writeBytes(digest, bytes, dependencies, options);
  const wasLinked = await hasLink(driver, revisionLink(name, digest), digest, { ...options, durable: true });
  const link = (linked: boolean): Promise<void> =>
    allEnded([
      ...(linked ? [] : [writeLink(driver, revisionLink(name, digest), digest, options)]),
      // An entry without its revision isn't listed, so that these two may come in either order.
      ...(subject === undefined ? [] : [writeEntry(place, subject, descriptor, options)]),
    ]);
  await link(wasLinked);

  try {
    // The handshake with a collector that runs meanwhile: it either saw the link, or what it took is missed here.
    await checkReferences(references, place, options);
  } catch (error) {
    if (!wasLinked && isStorageError(error, "MANIFEST_REFERENCES_UNKNOWN")) {
      await orUndefined(driver.delete(revisionDirectory(name, digest)));
      if (subject !== undefined) await removeEntry(place, subject, digest);
    }
    throw error;
  }

  const wanted = [...new Set(push.tags)];
  for (let tries = 1; wanted.length > 0; tries += 1) {
    await mapConcurrently(wanted, TAG_CONCURRENCY, (tag) => tags.set(tag, digest, options));
    if (tries === ATTEMPTS || (await hasLink(driver, revisionLink(name, digest), digest, options))) break;
    // A delete took the manifest before its tags: the push is the later of the two, and its tags lead somewhere.
    await link(false);
  }
  cache.set({ digest, mediaType: sniffMediaType(bytes), bytes });
  return { descriptor, manifest, ...(subject === undefined ? {} : { subject }) };
}

/** The digest that the bytes have, of the algorithm that is asked for. Throws DIGEST_MISMATCH. */
function checkedDigest({ bytes, digest: expected }: ManifestPush): Digest {
  const algorithm = expected === undefined ? CANONICAL_ALGORITHM : splitDigest(expected).algorithm;
  const actual = digestOf(bytes, algorithm);
  if (expected === undefined || expected === actual) return actual;
  throw new StorageError({ code: "DIGEST_MISMATCH", expected, actual });
}

/** Stores the bytes unless they are there. A file of another size is what a killed registry left, and is replaced. */
async function writeBytes(
  digest: Digest,
  bytes: Uint8Array,
  { driver }: ManifestDependencies,
  options?: CallOptions,
): Promise<void> {
  const info = await orUndefined(driver.stat(blobData(digest), { ...options, durable: true }));
  if (info?.size === bytes.length && !info.isDirectory) return;
  await driver.write(blobData(digest), bytes, options);
}
