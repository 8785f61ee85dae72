import { parseRepositoryName, type RepositoryName } from "@longshore/storage";

/**
 * Names at the target: `name` itself where one repository is copied, names below `name` where `repository` is a pattern, and the source's own
 * where there is no `name`. What it returns throws StorageError where a name would be too long.
 */
export function renameFor(
  repository: string,
  name: RepositoryName | undefined,
): (source: RepositoryName) => RepositoryName {
  if (name === undefined) return (source) => source;
  return /[*?\\]/.test(repository) ? (source) => parseRepositoryName(`${name}/${source}`) : () => name;
}

/** Names below `prefix`, which is empty where they stay as they are. What it returns throws StorageError where a name would be too long. */
export function renameBelow(prefix: string): (source: RepositoryName) => RepositoryName {
  return prefix === "" ? (source) => source : (source) => parseRepositoryName(`${prefix}/${source}`);
}
