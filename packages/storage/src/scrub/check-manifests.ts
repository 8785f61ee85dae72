import type { StorageDriver } from "../contract/driver.js";
import { layerLink, referrersIndexed, revisionLink } from "../layout/paths.js";
import { DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import type { ManifestReference } from "../model/manifest/references.js";
import type { RepositoryName } from "../model/repository-name.js";
import { revisionBatches } from "../store/manifests/revisions.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { hasLink, orUndefined, writeLink } from "../store/shared/links.js";
import { DEFAULT_VALIDATION, requiredReferences } from "../store/validation.js";
import { lookAtEntry } from "./check-referrers.js";
import { hasBytes, lookAtLink } from "./links.js";
import { manifestAt } from "./manifest-at.js";
import { CONCURRENCY, type Look, type Scrub, type Suspects } from "./run.js";

/** How many missing digests a message names. */
const NAMED = 5;

/** Checks the repository's manifests: their links, what they refer to, and their entries as referrers. */
export async function checkManifests(scrub: Scrub, name: RepositoryName, suspects: Suspects): Promise<void> {
  const { driver, options, counts } = scrub;
  const isIndexed = (await orUndefined(driver.stat(referrersIndexed(name), { fileOnly: true }))) !== undefined;
  const isCache = options.isCache?.(name) === true;
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const digests of revisionBatches(name, algorithm, driver)) {
      await mapConcurrently(digests, CONCURRENCY, async (digest) => {
        counts.manifests += 1;
        await suspects.check(lookAtRevision(name, digest));
        if (!isCache) await suspects.check(lookAtReferences(scrub, name, digest));
        if (isIndexed) await suspects.check(lookAtEntry(name, digest));
      });
    }
  }
}

const lookAtRevision =
  (repository: RepositoryName, digest: Digest): Look =>
  async (driver) => {
    const path = revisionLink(repository, digest);
    const found = await lookAtLink(driver, path);
    const place = { repository, digest };
    if (found.kind === "missing") return undefined;
    if (found.kind === "link" && found.target === digest) {
      if (await hasBytes(driver, digest)) return undefined;
      const message = `${repository}: manifest ${digest} is linked and has no bytes; push it again, or delete it`;
      return { kind: "manifest-missing", damage: true, ...place, message };
    }
    const what = found.kind === "unreadable" ? `can't be read: ${found.reason}` : "is cut off or holds another digest";
    // Only for a manifest that can be served: nothing else may become one by being linked.
    const isWhole = found.kind !== "unreadable" && (await manifestAt(driver, digest)) !== undefined;
    const repair = isWhole ? () => writeLink(driver, path, digest) : undefined;
    const message = `${repository}: the link to manifest ${digest} ${what}${repair === undefined ? "" : "; --repair writes it again"}`;
    return { kind: "manifest-link", damage: true, ...place, message, repair };
  };

const lookAtReferences =
  ({ options }: Scrub, repository: RepositoryName, digest: Digest): Look =>
  async (driver) => {
    if (!(await hasLink(driver, revisionLink(repository, digest), digest))) return undefined;
    const manifest = await manifestAt(driver, digest);
    if (manifest === undefined) return undefined;
    const references = requiredReferences(manifest, options.validation ?? DEFAULT_VALIDATION);
    const isThere = await mapConcurrently(references, CONCURRENCY, (each) => hasReference(driver, repository, each));
    const missing = references.filter((_each, index) => isThere[index] === false).map((each) => each.descriptor.digest);
    // What was deleted with it meanwhile isn't missing.
    if (missing.length === 0 || !(await hasLink(driver, revisionLink(repository, digest), digest))) return undefined;
    const named = missing.slice(0, NAMED).join(", ") + (missing.length > NAMED ? " …" : "");
    const message = `${repository}: manifest ${digest} lacks ${missing.length} of what it refers to: ${named}; push the image again`;
    return { kind: "manifest-incomplete", damage: true, repository, digest, message };
  };

async function hasReference(
  driver: StorageDriver,
  name: RepositoryName,
  { kind, descriptor: { digest } }: ManifestReference,
): Promise<boolean> {
  if (kind !== "manifest") {
    const found = await lookAtLink(driver, layerLink(name, digest));
    if (found.kind === "link" && (await hasBytes(driver, found.target))) return true;
  }
  if (kind === "blob") return false;
  return (await hasLink(driver, revisionLink(name, digest), digest)) && (await hasBytes(driver, digest));
}
