import { isStorageError, type Page, type PageRequest, type Registry, type RepositoryName } from "@longshore/storage";
import type { Invocation } from "../command.js";
import { withRegistry } from "../with-registry.js";

/** How many names are listed at a time. */
const PAGE = 1000;

/** Prints the repositories, one a line. */
export function listRepositories(invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation;
  return withRegistry(invocation, { changes: false }, async ({ registry, signal }) => {
    for await (const names of pagesOf((page) => registry.repositories(page), signal)) {
      for (const name of names) {
        const counts = flags.has("long") ? `\t${(await countsOf(registry, name, signal)).join("\t")}` : "";
        terminal.out(`${name}${counts}\n`);
      }
    }
    return 0;
  });
}

/** How many tags and manifests a repository has. */
export async function countsOf(
  registry: Registry,
  name: RepositoryName,
  signal: AbortSignal,
): Promise<readonly [tags: number, manifests: number]> {
  const { tags, manifests } = registry.repository(name);
  return [
    await count(pagesOf((page) => tags.list(page), signal)),
    await count(pagesOf((page) => manifests.list(page), signal)),
  ];
}

async function count(pages: AsyncIterable<readonly unknown[]>): Promise<number> {
  let sum = 0;
  for await (const page of pages) sum += page.length;
  return sum;
}

/** The pages of a list; none for a repository without tags and manifests. */
export async function* pagesOf<T extends string>(
  list: (page: PageRequest) => Promise<Page<T>>,
  signal: AbortSignal,
): AsyncGenerator<readonly T[], void, undefined> {
  let after: string | undefined;
  for (;;) {
    const page = await list({ after, limit: PAGE, signal }).catch((error: unknown) => {
      if (isStorageError(error, "NAME_UNKNOWN")) return undefined;
      throw error;
    });
    if (page === undefined) return;
    yield page.items;
    after = page.items.at(-1);
    if (!page.more || after === undefined) return;
  }
}
