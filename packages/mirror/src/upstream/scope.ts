import type { RepositoryName } from "@longshore/storage";

/** What a token has to allow for reading a repository (Distribution, token scope documentation). */
export function pullScope(name: RepositoryName): string {
  return `repository:${name}:pull`;
}

/** What a token has to allow for writing to a repository. */
export function pushScope(name: RepositoryName): string {
  return `repository:${name}:pull,push`;
}

/** What a token has to allow for listing repositories. */
export const CATALOG_SCOPE = "registry:catalog:*";
