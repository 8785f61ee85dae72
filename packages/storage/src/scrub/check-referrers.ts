import { isDeepStrictEqual } from "node:util";
import { digestAt } from "../layout/parse.js";
import { referrerDirectory, referrersDirectory, revisionLink } from "../layout/paths.js";
import type { Descriptor } from "../model/descriptor.js";
import { DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import { describeManifest } from "../model/manifest/manifest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { entryBatches, readEntry, removeEntryOfRemoved, writeEntry } from "../store/referrers/entries.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { hasLink, orUndefined } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { manifestAt } from "./manifest-at.js";
import { CONCURRENCY, type Look, type Scrub, type Suspects } from "./run.js";

/** How many names are listed at a time. */
const BATCH = 256;

/** Looks for the entry of a manifest that has a subject. */
export const lookAtEntry =
  (repository: RepositoryName, digest: Digest): Look =>
  async (driver) => {
    const place = { name: repository, driver };
    const manifest = await manifestAt(driver, digest);
    const subject = manifest?.subject?.digest;
    if (manifest === undefined || subject === undefined) return undefined;
    if (!(await hasLink(driver, revisionLink(repository, digest), digest))) return undefined;
    const descriptor = describeManifest(manifest, digest, manifest.size);
    const entry = await readEntry(place, subject, digest);
    if (entry !== undefined && isDeepStrictEqual(asStored(entry), asStored(descriptor))) return undefined;
    const repair = (): Promise<void> => writeEntry(place, subject, descriptor);
    const what = entry === undefined ? "isn't listed" : "is listed with another descriptor";
    const message = `${repository}: manifest ${digest} ${what} among the referrers of ${subject}; --repair lists it`;
    return { kind: "referrer-missing", damage: true, repository, digest, message, repair };
  };

/** As JSON keeps it: without members that are undefined. */
function asStored(descriptor: Descriptor): unknown {
  return JSON.parse(JSON.stringify(descriptor));
}

/** Checks that what is listed as a referrer is there, and names that subject. */
export async function checkEntries({ driver }: Scrub, name: RepositoryName, suspects: Suspects): Promise<void> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const names of listBatches(driver, `${referrersDirectory(name)}/${algorithm}`, undefined, BATCH)) {
      for (const subject of names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined)) {
        for await (const referrers of entryBatches({ name, driver }, subject, undefined, BATCH)) {
          await mapConcurrently(referrers, CONCURRENCY, (each) => suspects.check(lookAtListed(name, subject, each)));
        }
      }
    }
  }
}

const lookAtListed =
  (repository: RepositoryName, subject: Digest, digest: Digest): Look =>
  async (driver) => {
    const place = { repository, digest };
    const directory = referrerDirectory(repository, subject, digest);
    if ((await orUndefined(driver.stat(`${directory}/link`, { fileOnly: true }))) === undefined) return undefined;
    if (!(await hasLink(driver, revisionLink(repository, digest), digest))) {
      const message = `${repository}: ${digest} is noted as a referrer of ${subject} and isn't there; it isn't shown, and --repair removes the note`;
      const repair = (): Promise<void> => removeEntryOfRemoved({ name: repository, driver }, subject, digest);
      return { kind: "referrer-stale", damage: false, ...place, message, repair };
    }
    const manifest = await manifestAt(driver, digest);
    // Of bytes that are damaged nobody knows the subject.
    if (manifest === undefined || manifest.subject?.digest === subject) return undefined;
    const message = `${repository}: ${digest} is listed as a referrer of ${subject} and doesn't name it; --repair removes it from the list`;
    // Its bytes never change, so no push writes this entry.
    const repair = async (): Promise<void> => void (await orUndefined(driver.delete(directory)));
    return { kind: "referrer-stale", damage: true, ...place, message, repair };
  };
