import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { REPOSITORIES_DIRECTORY } from "../layout/paths.js";
import { isRepositoryName, type RepositoryName } from "../model/repository-name.js";
import { listBatches } from "../store/paging.js";

/** A directory that holds what only repositories hold, under a name that none can have. */
class NotARepository extends Error {
  override readonly name = "NotARepository";
}

const OWN_DIRECTORIES = new Set(["_layers", "_manifests"]);

/**
 * Every repository that has a link of any kind, parents before those below them. Throws NotARepository: what is linked there
 * can't be known, and must not be taken for unused.
 */
export async function* allRepositories(
  driver: StorageDriver,
  options: CallOptions,
  prefix = "",
): AsyncGenerator<RepositoryName, void, undefined> {
  const directory = prefix === "" ? REPOSITORIES_DIRECTORY : `${REPOSITORIES_DIRECTORY}/${prefix}`;
  let holds = false;
  // The repository itself is given out first: its directories, which begin with "_", sort before those of most below it.
  for await (const names of listBatches(driver, directory, undefined, undefined, options)) {
    holds ||= prefix !== "" && names.some((name) => OWN_DIRECTORIES.has(name));
  }
  if (holds) {
    if (!isRepositoryName(prefix)) {
      throw new NotARepository(
        `${directory} has the links of a repository and a name that no repository can have; rename or remove it`,
      );
    }
    yield prefix;
  }
  for await (const names of listBatches(driver, directory, undefined, undefined, options)) {
    for (const name of names) {
      if (name.startsWith("_")) continue;
      yield* allRepositories(driver, options, prefix === "" ? name : `${prefix}/${name}`);
    }
  }
}
