import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { REPOSITORIES_DIRECTORY } from "../layout/paths.js";
import { isRepositoryName, type RepositoryName } from "../model/repository-name.js";
import { listBatches } from "../store/shared/paging.js";
import { repositoryLink } from "../store/shared/symbolic-links.js";

/** A directory looks like a repository, but its name isn't valid. */
class NotARepository extends Error {
  override readonly name = "NotARepository";
}

/** The names of directories that the walk enters. */
const WALKED = /^(?!_)[A-Za-z0-9._-]+$/;

/** A symbolic link leads to a place that a collection doesn't look at. */
class LeadsElsewhere extends Error {
  override readonly name = "LeadsElsewhere";
}

const OWN_DIRECTORIES = new Set(["_layers", "_manifests"]);

/**
 * Every repository that has a link of any kind, parents before children. Throws NotARepository and LeadsElsewhere, because what
 * is linked there is unknown and must not be considered unused.
 */
export async function* allRepositories(
  driver: StorageDriver,
  options: CallOptions,
  prefix = "",
): AsyncGenerator<RepositoryName, void, undefined> {
  const directory = prefix === "" ? REPOSITORIES_DIRECTORY : `${REPOSITORIES_DIRECTORY}/${prefix}`;
  let holds = false;
  // The repository itself comes first: its own directories begin with "_", which sorts before most names below it.
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
      if (name.startsWith("_") || (await isWalkedElsewhere(driver, `${directory}/${name}`, options))) continue;
      yield* allRepositories(driver, options, prefix === "" ? name : `${prefix}/${name}`);
    }
  }
}

/**
 * Whether `path` is a symbolic link to nothing, or to something that the walk visits under its own name. Throws LeadsElsewhere
 * for any other link.
 */
async function isWalkedElsewhere(driver: StorageDriver, path: string, options: CallOptions): Promise<boolean> {
  const target = await repositoryLink(driver, path, options);
  if (target === undefined) return false;
  const isMet =
    target.kind === "nowhere" ||
    (target.kind === "inside" && (target.path === "" || target.path.split("/").every((name) => WALKED.test(name))));
  if (isMet) return true;
  throw new LeadsElsewhere(
    `${path} is a symbolic link that leads out of ${REPOSITORIES_DIRECTORY}; mount the directory there (mount --bind), or ` +
      "remove the link if no repository is behind it",
  );
}
