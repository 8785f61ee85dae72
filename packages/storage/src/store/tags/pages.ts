import { LRUCache } from "lru-cache";
import type { ListPage } from "../../contract/driver.js";
import type { Page, PageRequest } from "../../contract/tag-store.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { TagName } from "../../model/tag.js";

/** A page of tags, and what it was made of. */
interface KnownTagPage {
  /** The listings that it was made of. Where the driver returns the same objects, the page is the same. */
  readonly listings: readonly ListPage[];
  /** `liveTags.forgotten` at that time: a tag that is known to be gone may still be listed. */
  readonly forgotten: number;
  readonly page: Page<TagName>;
}

/** Pages of tags that were made last, in all repositories. */
export interface TagPages {
  get(name: RepositoryName, request: PageRequest): KnownTagPage | undefined;
  set(name: RepositoryName, request: PageRequest, page: KnownTagPage): void;
}

/** Remembers pages of `limit` tags altogether, of some 20 bytes each: the strings are the driver's. */
export function createTagPages(limit: number): TagPages {
  const pages = new LRUCache<string, KnownTagPage>({
    maxSize: limit,
    sizeCalculation: ({ page }) => page.items.length + 1,
  });
  const keyOf = (name: RepositoryName, { after = "", limit: most }: PageRequest): string =>
    `${name}:${most ?? ""}:${after}`;
  return {
    get: (name, request) => pages.get(keyOf(name, request)),
    set: (name, request, page) => void pages.set(keyOf(name, request), page),
  };
}
