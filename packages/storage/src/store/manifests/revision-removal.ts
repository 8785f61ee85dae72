import { canTouch, type CallOptions, type StorageDriver } from "../../contract/driver.js";
import { condemnedNames } from "../../layout/condemned.js";
import { revisionDirectory, revisionLink } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { allEnded } from "../shared/concurrent.js";
import { orUndefined } from "../shared/links.js";

/** How many times a hidden link may come back before the delete continues without it. */
const ATTEMPTS = 5;

/**
 * Removes the revision `digest` and everything in its directory: Distribution leaves the directory behind empty, and old versions
 * stored signatures there, which are no longer read. A link that a push writes meanwhile is kept.
 */
export async function removeRevision(
  name: RepositoryName,
  digest: Digest,
  driver: StorageDriver,
  options?: CallOptions,
): Promise<void> {
  const directory = revisionDirectory(name, digest);
  if (!canTouch(driver)) {
    // Object storage lists the objects and then deletes only those.
    await orUndefined(driver.delete(directory, options));
    return;
  }
  const link = revisionLink(name, digest);
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    // Only the link, once: removing the whole directory would also remove what a push writes there meanwhile.
    await orUndefined(driver.delete(link, options));
    const names = (await orUndefined(driver.list(directory, options)))?.names ?? [];
    const hidden = condemnedNames(names, "link");
    const others = names.filter((each) => each !== "link");
    await allEnded(others.map((each) => orUndefined(driver.delete(`${directory}/${each}`, options))));
    // A link that a collector had hidden may have been put back just before.
    if (hidden.length === 0) break;
  }
  await driver.prune(directory);
}
