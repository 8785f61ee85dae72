import { canTouch, type CallOptions, type StorageDriver } from "../../contract/driver.js";
import { digestAt } from "../../layout/parse.js";
import {
  algorithmLayersDirectory,
  emptiableDirectories,
  referrersDirectory,
  referrersIndexed,
  repositoryRemoved,
  subjectDirectory,
  tagsDirectory,
  uploadsDirectory,
} from "../../layout/paths.js";
import { DIGEST_ALGORITHMS, type Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { listManifests } from "../manifests/revisions.js";
import { entryBatches } from "../referrers/entries.js";
import { orUndefined } from "../shared/links.js";
import { listBatches } from "../shared/paging.js";

/** How many entries are listed at a time. */
const BATCH = 256;

/** Whether the repository holds anything that a removal would remove. After one, layer links are left that a collection removes. */
export async function isThereAnything(
  name: RepositoryName,
  driver: StorageDriver,
  call: CallOptions,
): Promise<boolean> {
  if ((await listManifests(name, driver, { ...call, limit: 1 })).items.length > 0) return true;
  for (const directory of [tagsDirectory(name), uploadsDirectory(name)]) {
    if (await isFilled(directory, driver, call)) return true;
  }
  const removed = await orUndefined(driver.stat(repositoryRemoved(name), { ...call, fileOnly: true }));
  return removed === undefined && (await hasLayers(name, driver, call));
}

async function isFilled(directory: string, driver: StorageDriver, call: CallOptions): Promise<boolean> {
  const page = await orUndefined(driver.list(directory, { ...call, limit: 1 }));
  return page !== undefined && page.names.length > 0;
}

async function hasLayers(name: RepositoryName, driver: StorageDriver, call: CallOptions): Promise<boolean> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    if (await isFilled(algorithmLayersDirectory(name, algorithm), driver, call)) return true;
  }
  return false;
}

/** The entries of all subjects, in batches. */
export async function* listedEntries(
  name: RepositoryName,
  driver: StorageDriver,
  call: CallOptions,
): AsyncGenerator<{ readonly subject: Digest; readonly referrers: readonly Digest[] }, void, undefined> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const names of listBatches(driver, `${referrersDirectory(name)}/${algorithm}`, undefined, BATCH, call)) {
      for (const subject of names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined)) {
        for await (const referrers of entryBatches({ name, driver }, subject, undefined, BATCH, call)) {
          yield { subject, referrers };
        }
        await pruneSubject(name, subject, driver);
      }
    }
  }
}

async function pruneSubject(name: RepositoryName, subject: Digest, driver: StorageDriver): Promise<void> {
  if (!canTouch(driver)) return;
  for (const algorithm of DIGEST_ALGORITHMS) await driver.prune(`${subjectDirectory(name, subject)}/${algorithm}`);
  await driver.prune(subjectDirectory(name, subject));
}

/**
 * Removes what a repository without manifests, tags and sessions leaves behind: the mark of indexed referrers, if there is no
 * layer link the mark of the removal, and over real files empty directories. Each of them only while it is empty, atomically.
 */
export async function pruneRepository(name: RepositoryName, driver: StorageDriver, call: CallOptions): Promise<void> {
  // Whoever asks for referrers next looks at all manifests, of which there are none or few.
  await orUndefined(driver.delete(referrersIndexed(name), { ...call, fileOnly: true }));
  if (!(await hasLayers(name, driver, call))) {
    await orUndefined(driver.delete(repositoryRemoved(name), { ...call, fileOnly: true }));
  }
  if (!canTouch(driver)) return;
  for (const directory of emptiableDirectories(name)) await driver.prune(directory, call);
}
