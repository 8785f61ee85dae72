import { randomUUID } from "node:crypto";
import { canTouch, type CallOptions } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { condemnedPath } from "../layout/condemned.js";
import { blobData, revisionDirectory, revisionLink } from "../layout/paths.js";
import type { Descriptor } from "../model/descriptor.js";
import type { Manifest } from "../model/manifest/manifest.js";
import { referencesOf } from "../model/manifest/references.js";
import type { RepositoryName } from "../model/repository-name.js";
import { allEnded } from "./concurrent.js";
import { manifestLinkName } from "./link-names.js";
import type { Vigil } from "./leases.js";
import { hasLink, orUndefined, writeLink } from "./links.js";
import type { ManifestDependencies } from "./manifest-dependencies.js";
import { renewReferences } from "./manifest-verify.js";
import { entrySize, removeEntry, writeEntry } from "./referrer-entries.js";
import { requiredReferences } from "./validation.js";

/** A manifest that has been checked and is being pushed. */
export interface LandingManifest {
  readonly manifest: Manifest;
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** Kept since before its references were checked. */
  readonly vigil: Vigil;
}

/** A manifest's way into a repository (docs/architecture.md §Garbage collection while serving). */
export interface Landing {
  /**
   * Stores what isn't there yet, and then proves that all it refers to is there and stays. Throws
   * MANIFEST_REFERENCES_UNKNOWN; a link that this push wrote is taken back then.
   */
  land(): Promise<void>;
  /** Whether nobody has taken it away since. */
  isWhole(): Promise<boolean>;
}

export function landingOf(
  { manifest, descriptor, bytes, vigil }: LandingManifest,
  name: RepositoryName,
  dependencies: ManifestDependencies,
  options?: CallOptions,
): Landing {
  const { driver, leases, links, validation } = dependencies;
  const { digest } = descriptor;
  const subject = manifest.subject?.digest;
  const place = { name, driver, leases };
  const revision = revisionLink(name, digest);

  /** Stores the bytes unless they are there. A file of another size is what a killed registry left, and is replaced. */
  const storeBytes = async (): Promise<void> => {
    const info = await orUndefined(driver.stat(blobData(digest), { ...options, durable: true, fileOnly: true }));
    if (info?.size === bytes.length && !info.isDirectory) return;
    await driver.write(blobData(digest), bytes, options);
  };

  /** Links the manifest, and tells whether it wasn't linked before. */
  const link = async (): Promise<boolean> => {
    const wasLinked =
      (await hasLink(driver, revision, digest, { ...options, durable: true })) &&
      (vigil.isQuiet() || (await leases.renew(revision, options)));
    await allEnded([
      ...(wasLinked ? [] : [writeLink(driver, revision, digest, options)]),
      // An entry without its revision isn't listed, so that these two may come in either order.
      ...(subject === undefined ? [] : [writeEntry(place, subject, descriptor, options)]),
    ]);
    return !wasLinked;
  };

  /** The handshake with a collector that runs meanwhile: it saw the link, or it sees these leases, or what it took is missed. */
  const prove = async (): Promise<void> => {
    // The link is there now, and the mark of a collector that comes later sees it.
    if (vigil.isQuiet()) return;
    if (!(await leases.renew(blobData(digest), options))) await driver.write(blobData(digest), bytes, options);
    const required = requiredReferences(manifest, validation);
    const others = new Set(referencesOf(manifest).map((reference) => reference.descriptor.digest));
    for (const { descriptor: each } of required) others.delete(each.digest);
    const optional = referencesOf(manifest).filter((reference) => others.has(reference.descriptor.digest));
    await renewReferences(required, optional, place, options);
  };

  const isProved = (): Promise<boolean> =>
    prove().then(
      () => true,
      (error: unknown) => {
        if (isStorageError(error, "MANIFEST_REFERENCES_UNKNOWN")) return false;
        throw error;
      },
    );

  /**
   * Takes the link back, and then proves once more: another push of the same manifest, which found it, either misses it, or
   * has proved its references before. Tells whether it is gone for good.
   */
  const removeLink = async (): Promise<boolean> => {
    const remove = () => orUndefined(driver.delete(revision, { fileOnly: true }));
    await links.changing([manifestLinkName(name, digest)], remove);
    if (!(await isProved())) return true;
    await writeLink(driver, revision, digest, options);
    return false;
  };

  /** As {@link removeLink}; where files can be renamed the link is hidden until that is decided. */
  const hideLink = async (failure: unknown): Promise<boolean> => {
    const hidden = condemnedPath(revision, randomUUID());
    const hide = driver.move(revision, hidden, { durable: false }).then(() => true);
    if ((await orUndefined(hide)) === undefined) throw failure;
    if (await isProved()) {
      await orUndefined(driver.move(hidden, revision, { durable: true }));
      return false;
    }
    await links.changing([manifestLinkName(name, digest)], async () => {
      await orUndefined(driver.delete(hidden));
      if (canTouch(driver)) await driver.prune(revisionDirectory(name, digest));
    });
    return true;
  };

  /** Takes back what this push linked, unless another push of the same needs it: then this one has succeeded, too. */
  const withdraw = async (failure: unknown): Promise<void> => {
    if (!(await (canTouch(driver) ? hideLink(failure) : removeLink()))) return;
    if (subject !== undefined) await removeEntry(place, subject, digest);
    throw failure;
  };

  return {
    land: async () => {
      await storeBytes();
      const isNew = await link();
      try {
        await prove();
      } catch (error) {
        if (!isNew || !isStorageError(error, "MANIFEST_REFERENCES_UNKNOWN")) throw error;
        await withdraw(error);
      }
    },
    isWhole: async () => {
      if (!vigil.isQuiet() && !(await leases.isInPlace(revision, options))) return false;
      if (!(await hasLink(driver, revision, digest, options))) return false;
      return subject === undefined || (await entrySize(place, subject, digest, options)) > 0;
    },
  };
}
