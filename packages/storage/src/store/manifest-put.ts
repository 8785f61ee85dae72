import type { CallOptions } from "../contract/driver.js";
import type { ManifestPush, PushedManifest } from "../contract/manifest-store.js";
import { StorageError } from "../errors.js";
import { CANONICAL_ALGORITHM, digestOf, splitDigest, type Digest } from "../model/digest.js";
import { describeManifest } from "../model/manifest/manifest.js";
import { parseManifest } from "../model/manifest/parse.js";
import { sniffMediaType } from "../model/manifest/sniff.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "./concurrent.js";
import type { ManifestDependencies } from "./manifest-dependencies.js";
import { landingOf } from "./manifest-landing.js";
import { checkReferences } from "./manifest-verify.js";
import { checkClass, checkUrls, requiredReferences } from "./validation.js";

/** Tags of one push that are written side by side. */
const TAG_CONCURRENCY = 8;

/** How often deletes and collectors may get in between before a push leaves it at that. */
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
  const { cache, tags, leases, validation, classes, maxBytes } = dependencies;
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
  const vigil = await leases.watch(options);
  await checkReferences(references, place, options);

  const descriptor = describeManifest(manifest, digest, bytes.length);
  const subject = manifest.subject?.digest;
  const landing = landingOf({ manifest, descriptor, bytes, vigil }, name, dependencies, options);
  const wanted = [...new Set(push.tags)];
  for (let tries = 1; ; tries += 1) {
    await landing.land();
    await mapConcurrently(wanted, TAG_CONCURRENCY, (tag) => tags.set(tag, digest, options));
    // A delete or a collector took the manifest before it had its tags: the push is the later of the two.
    if (tries === ATTEMPTS || (await landing.isWhole())) break;
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
