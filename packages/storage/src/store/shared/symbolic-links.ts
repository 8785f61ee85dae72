import { canTouch, type CallOptions, type LinkTarget, type StorageDriver } from "../../contract/driver.js";
import { REPOSITORIES_DIRECTORY } from "../../layout/paths.js";

/**
 * The target of `path` below `repositories` if it is a symbolic link; undefined if it isn't. A walk must not follow links: they
 * may lead out of the storage, and links to each other would make it practically endless.
 */
export async function repositoryLink(
  driver: StorageDriver,
  path: string,
  options?: CallOptions,
): Promise<LinkTarget | undefined> {
  return canTouch(driver) ? driver.resolveLink(path, REPOSITORIES_DIRECTORY, options) : undefined;
}
