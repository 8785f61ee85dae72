import type { CallOptions } from "../../contract/driver.js";
import type { ManifestPush, PushedManifest } from "../../contract/manifest-store.js";
import { StorageError } from "../../errors.js";
import { revisionLink } from "../../layout/paths.js";
import { CANONICAL_ALGORITHM, digestOf, splitDigest, type Digest } from "../../model/digest.js";
import { describeManifest } from "../../model/manifest/manifest.js";
import { parseManifest } from "../../model/manifest/parse.js";
import { sniffMediaType } from "../../model/manifest/sniff.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { tagCurrentLink } from "../../layout/paths.js";
import type { TagName } from "../../model/tag.js";
import { readSoundLink } from "../shared/links.js";
import { guardedRemovals } from "./guarded-removal.js";
import { tagLinkName } from "../shared/link-names.js";
import { hasLink } from "../shared/links.js";
import type { ManifestDependencies } from "../dependencies.js";
import { createManifestCommit } from "./manifest-commit.js";
import { checkReferences } from "./verify.js";
import { checkClass, checkUrls, requiredReferences } from "../validation.js";

/** How many tags of one push are written concurrently. */
const TAG_CONCURRENCY = 8;

/** How many times deletes and collectors may interfere before a push gives up. */
const ATTEMPTS = 10;

/**
 * Pushes a manifest to the repository `name`; see `ManifestStore.put`. In Distribution's order (wire contract §5): the bytes, then
 * the link, then the tags, each durable before the next, so that a crash leaves no dangling link.
 */
export async function putManifest(
  push: ManifestPush,
  name: RepositoryName,
  dependencies: ManifestDependencies,
  options?: CallOptions,
): Promise<PushedManifest> {
  const { driver, cache, links, tagLinks, leases, validation, classes, maxManifestBytes } = dependencies;
  const { bytes } = push;
  if (bytes.length > maxManifestBytes) {
    const reason = `the manifest has ${bytes.length} bytes, and the limit is ${maxManifestBytes}`;
    throw new StorageError({ code: "MANIFEST_INVALID", reason });
  }
  const manifest = parseManifest(bytes, push.mediaType);
  const digest = checkedDigest(push);
  if (push.incomplete !== true) {
    checkClass(manifest, classes, push.grantedClasses);
    checkUrls(manifest, validation);
  }
  const ruleOf = push.incomplete === true ? undefined : dependencies.immutable(name);
  const wanted = [...new Set(push.tags)];
  const immutable = wanted.filter((tag) => ruleOf?.(tag) !== undefined);
  const movable = wanted.filter((tag) => !immutable.includes(tag));
  const requireSame = (tag: TagName, found: Digest | undefined): void => {
    const rule = ruleOf?.(tag);
    if (found === undefined || found === digest || rule === undefined) return;
    throw new StorageError({ code: "TAG_IMMUTABLE", name, tag, digest: found, rule, wanted: "move" });
  };
  // Before anything is stored: nearly every refused push leaves nothing behind.
  await mapConcurrently(immutable, TAG_CONCURRENCY, async (tag) => {
    requireSame(tag, await readSoundLink(dependencies.driver, tagCurrentLink(name, tag), options));
  });
  const references = push.incomplete === true ? [] : requiredReferences(manifest, validation);
  const place = { ...dependencies, name };
  const vigil = await leases.watch(options);
  await checkReferences(references, place, options);

  const descriptor = describeManifest(manifest, digest, bytes.length);
  const subject = manifest.subject?.digest;
  const commit = createManifestCommit({ manifest, descriptor, bytes, references, vigil }, name, dependencies, options);
  const setTags = async (): Promise<boolean> => {
    await mapConcurrently(immutable, TAG_CONCURRENCY, async (tag) => {
      requireSame(tag, await tagLinks.create(tag, digest, options));
    });
    await mapConcurrently(movable, TAG_CONCURRENCY, (tag) => tagLinks.set(tag, digest, options));
    if (immutable.length > 0) await guardedRemovals(name, dependencies.driver).end(digest, options);
    // A delete or a collector has removed the manifest or a tag meanwhile. The push counts as the later one.
    if (!(await commit.isWhole())) return false;
    // After the check that the manifest exists: a removal that starts later sees its link.
    const settled = await mapConcurrently(wanted, TAG_CONCURRENCY, (tag) =>
      tagLinks.settle(tag, immutable.includes(tag) ? { ...options, target: digest } : options),
    );
    return !settled.includes(false);
  };
  const changed = wanted.map((tag) => tagLinkName(name, tag));
  /** Another attempt is refused: the tags that an earlier one has set would point nowhere. */
  const takeBackTags = async (): Promise<void> => {
    const isDue = async (): Promise<boolean> => !(await hasLink(driver, revisionLink(name, digest), digest));
    const remove = () => mapConcurrently(wanted, TAG_CONCURRENCY, (tag) => tagLinks.removeFrom(tag, digest, isDue));
    await links.changing(changed, remove);
  };
  for (let tries = 1; ; tries += 1) {
    try {
      await commit.run();
    } catch (error) {
      if (tries > 1 && changed.length > 0) await takeBackTags();
      throw error;
    }
    if (await (changed.length === 0 ? setTags() : links.changing(changed, setTags, options))) break;
    if (tries === ATTEMPTS) throw new StorageError({ code: "MANIFEST_CONTENDED", name, digest });
  }
  cache.set({ digest, mediaType: sniffMediaType(bytes), bytes });
  return { descriptor, manifest, ...(subject === undefined ? {} : { subject }) };
}

/** The digest of the bytes, by the algorithm of the expected one. Throws DIGEST_MISMATCH. */
function checkedDigest({ bytes, digest: expected }: ManifestPush): Digest {
  const algorithm = expected === undefined ? CANONICAL_ALGORITHM : splitDigest(expected).algorithm;
  const actual = digestOf(bytes, algorithm);
  if (expected === undefined || expected === actual) return actual;
  throw new StorageError({ code: "DIGEST_MISMATCH", expected, actual });
}
