import { randomUUID } from "node:crypto";
import { canTouch, type CallOptions } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";
import { condemnedPath } from "../../layout/condemned.js";
import { blobData, revisionDirectory, revisionLink } from "../../layout/paths.js";
import type { Descriptor } from "../../model/descriptor.js";
import type { Manifest } from "../../model/manifest/manifest.js";
import { referencesOf, type ManifestReference } from "../../model/manifest/references.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { allEnded } from "../shared/concurrent.js";
import { manifestLinkName } from "../shared/link-names.js";
import type { Vigil } from "../leases/leases.js";
import { hasLink, orUndefined, readSoundLink, writeLink } from "../shared/links.js";
import type { ManifestDependencies } from "../dependencies.js";
import { checkChildren, renewReferences } from "./verify.js";
import { entrySize, removeEntryOfRemoved, writeEntry } from "../referrers/entries.js";

/** A manifest that has been checked and is being pushed. */
export interface ManifestToCommit {
  readonly manifest: Manifest;
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** The references that must exist. */
  readonly references: readonly ManifestReference[];
  /** Started before its references were checked. */
  readonly vigil: Vigil;
}

/** Commits a manifest to a repository (docs/protocols/collection.md §Garbage collection while serving). */
export interface ManifestCommit {
  /**
   * Stores what is missing, then proves that everything it refers to exists and stays. Throws
   * MANIFEST_REFERENCES_UNKNOWN; a link that this push wrote is then removed.
   */
  run(): Promise<void>;
  /** Whether it still exists completely. */
  isWhole(): Promise<boolean>;
}

export function createManifestCommit(
  { manifest, descriptor, bytes, references, vigil }: ManifestToCommit,
  name: RepositoryName,
  dependencies: ManifestDependencies,
  options?: CallOptions,
): ManifestCommit {
  const { driver, leases, links } = dependencies;
  const { digest } = descriptor;
  const subject = manifest.subject?.digest;
  const place = { name, driver, leases };
  const revision = revisionLink(name, digest);

  /** Stores the bytes unless the same ones exist: a damaged or unreadable file is replaced. */
  const storeBytes = async (): Promise<void> => {
    const read = driver.read(blobData(digest), { ...options, durable: true, limit: bytes.length });
    const stored = await orUndefined(read).catch((error: unknown) => {
      if (isStorageError(error, "DRIVER_ERROR")) return undefined;
      throw error;
    });
    if (stored !== undefined && Buffer.compare(stored, bytes) === 0) return;
    await driver.write(blobData(digest), bytes, options);
  };

  /** Links the manifest, and returns whether the link is new. */
  const link = async (): Promise<boolean> => {
    // The content is read: a link that a power loss filled with NULs has the right size, and must be written again.
    const wasLinked =
      (await readSoundLink(driver, revision, { ...options, durable: true })) === digest &&
      (vigil.isQuiet() || (await leases.renew(revision, options)));
    await allEnded([
      ...(wasLinked ? [] : [writeLink(driver, revision, digest, options)]),
      // An entry without its revision isn't listed, so the order of these two doesn't matter.
      ...(subject === undefined ? [] : [writeEntry(place, subject, descriptor, options)]),
    ]);
    return !wasLinked;
  };

  /** The handshake with a concurrent collector: either it has seen the link, or it sees these leases, or something is missing. */
  const prove = async (): Promise<void> => {
    // The link exists now, and a collector that starts later sees it. The removal of the repository sees it as well, unless it
    // had ended before the link was written: then it has removed the children.
    if (vigil.isQuiet()) return checkChildren(references, place, options);
    if (!(await leases.renew(blobData(digest), options))) await driver.write(blobData(digest), bytes, options);
    const others = new Set(referencesOf(manifest).map((reference) => reference.descriptor.digest));
    for (const { descriptor: each } of references) others.delete(each.digest);
    const optional = referencesOf(manifest).filter((reference) => others.has(reference.descriptor.digest));
    await renewReferences(references, optional, place, options);
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
   * Removes the link, and then proves once more: another push of the same manifest that has found the link either notices that it
   * is missing, or has proved its references before. Returns whether the link remains removed.
   */
  const removeLink = async (): Promise<boolean> => {
    const remove = () => orUndefined(driver.delete(revision, { fileOnly: true }));
    await links.changing([manifestLinkName(name, digest)], remove);
    if (!(await isProved())) return true;
    await writeLink(driver, revision, digest, options);
    return false;
  };

  /** Like {@link removeLink}, for files that can be renamed: the link is hidden until the proof is complete. */
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

  /** Removes what this push has linked, unless another push of the same manifest needs it: then this push succeeds as well. */
  const withdraw = async (failure: unknown): Promise<void> => {
    if (!(await (canTouch(driver) ? hideLink(failure) : removeLink()))) return;
    if (subject !== undefined) await removeEntryOfRemoved(place, subject, digest);
    throw failure;
  };

  return {
    run: async () => {
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
