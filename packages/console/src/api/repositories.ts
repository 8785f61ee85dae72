import { flag, list, number, object, optional, repositoryName, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";
import type { Page } from "./page.js";
import { repositoryPath } from "./paths.js";

const repository = object({
  name: repositoryName,
  tags: number,
  manifests: number,
  size: number,
  pushed: text,
  pulled: optional(text),
  /** Whether the viewer may delete it and its tags; absent in lists, and if that isn't known. */
  deletable: optional(flag),
});
export type Repository = Decoded<typeof repository>;

const page = object({ repositories: list(repository), total: optional(number), next: optional(text) });

export const REPOSITORY_ORDERS = ["name", "pushed", "pulled", "tags", "size"] as const;
type RepositoryOrder = (typeof REPOSITORY_ORDERS)[number];

export interface RepositoryQuery {
  readonly search: string;
  readonly sort: RepositoryOrder;
  readonly isDescending: boolean;
  /** Whether the first page may come before it is known how many there are. */
  readonly isUncounted?: boolean;
}

/** The repositories that the viewer may pull. */
export async function listRepositories(
  { search, sort, isDescending, isUncounted = false }: RepositoryQuery,
  n: number,
  last: string | undefined,
  signal?: AbortSignal,
): Promise<Page<Repository>> {
  const query = {
    search: search === "" ? undefined : search,
    sort,
    descending: isDescending || undefined,
    n,
    last,
    uncounted: (isUncounted && last === undefined) || undefined,
  };
  const { repositories, total, next } = await ask("v2/_longshore/catalog/repositories", page, { query, signal });
  return { items: repositories, total, next };
}

export function showRepository(name: string, signal?: AbortSignal): Promise<Repository> {
  return ask(repositoryPath(name, "_longshore", "repository", "usage"), repository, { signal });
}

const removal = object({ manifests: number, tags: number, left: number });

/** Deletes a repository with all its tags. */
export function deleteRepository(name: string): Promise<Decoded<typeof removal>> {
  return ask(repositoryPath(name, "_longshore", "repository", "contents"), removal, { method: "DELETE" });
}
