import { allRepositories } from "../gc/repositories.js";
import { StorageError } from "../errors.js";
import type { RepositoryName } from "../model/repository-name.js";
import { checkLayers } from "./check-layers.js";
import { checkManifests } from "./check-manifests.js";
import { checkEntries } from "./check-referrers.js";
import { checkTags } from "./check-tags.js";
import { createSuspects, type Scrub } from "./run.js";

/** Checks all repositories after `after`, in the order of a walk that comes to each before those below it. */
export async function scrubRepositories(scrub: Scrub, after: string): Promise<void> {
  // A walk can't begin in the middle: names up to that one are passed over.
  let isPast = after === "";
  for await (const name of namesOf(scrub)) {
    scrub.options.signal?.throwIfAborted();
    if (!isPast) {
      isPast = name === after;
      continue;
    }
    await scrubRepository(scrub, name);
    scrub.counts.repositories += 1;
    scrub.progress("repositories");
    await scrub.reached({ phase: "repositories", after: name });
  }
  // The repository at which the last scrub was interrupted has been deleted since.
  if (!isPast) await scrubRepositories(scrub, "");
}

/** The names of repositories; ends with a finding at a directory that can't be one. */
async function* namesOf({ driver, report }: Scrub): AsyncGenerator<RepositoryName, void, undefined> {
  try {
    yield* allRepositories(driver, {});
  } catch (error) {
    if (error instanceof StorageError || !(error instanceof Error)) throw error;
    report({ kind: "name-invalid", damage: true, message: `${error.message}; what comes after it wasn't checked` });
  }
}

async function scrubRepository(scrub: Scrub, name: RepositoryName): Promise<void> {
  const suspects = createSuspects(scrub);
  await checkLayers(scrub, name, suspects);
  await checkManifests(scrub, name, suspects);
  await checkTags(scrub, name, suspects);
  await checkEntries(scrub, name, suspects);
  for (const { name: what, run } of scrub.options.checks ?? []) {
    for (const found of await run(name, scrub.driver)) {
      const message = `${what}: ${found.message}`;
      await suspects.check(() => Promise.resolve({ ...found, message }));
    }
  }
  await suspects.settle();
}
