import { LRUCache } from "lru-cache";
import type { RepositoryName } from "../../model/repository-name.js";

/** Tags or digests that a process has seen, in all repositories. */
export interface KnownItems<T extends string> {
  has(name: RepositoryName, item: T): boolean;
  add(name: RepositoryName, item: T): void;
  forget(name: RepositoryName, item: T): void;
  /** Grows whenever an item that was known is forgotten on purpose. */
  readonly forgotten: number;
}

/** Remembers the `limit` items used last, of some 200 to 300 bytes each. */
export function createKnownItems<T extends string>(limit: number): KnownItems<T> {
  // By size, of one each: with `max`, arrays of that length would be made at the start, 24 bytes for each item.
  const known = new LRUCache<string, true>({ maxSize: limit, sizeCalculation: () => 1 });
  // The name of a repository has no colon.
  const keyOf = (name: RepositoryName, item: T): string => `${name}:${item}`;
  let forgotten = 0;
  return {
    get forgotten() {
      return forgotten;
    },
    has: (name, item) => known.get(keyOf(name, item)) === true,
    add: (name, item) => void known.set(keyOf(name, item), true),
    forget: (name, item) => {
      if (known.delete(keyOf(name, item))) forgotten += 1;
    },
  };
}
