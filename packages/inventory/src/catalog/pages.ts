import type { Page, RepositoryName } from "@longshore/storage";
import { LRUCache } from "lru-cache";

/** Which page: at most `limit` names that are greater than `after`. */
export interface PageKey {
  readonly after: string;
  readonly limit: number | undefined;
}

/** What a process tells the others of a repository. */
export interface CatalogNote {
  /** Whether it has a manifest now; otherwise it may have lost its last one. */
  readonly holds: boolean;
  readonly name: string;
}

/** A page that is being read from the storage. */
export interface PageReading {
  /** Whether nothing was noted since it began. */
  isCurrent(): boolean;
  /** Keeps and returns the page that `names` begin with: one more than it has, if there are more. */
  store(names: readonly RepositoryName[]): Page<RepositoryName>;
  /** Must be called at the end, whatever it is. */
  end(): void;
}

/** Pages of the catalog that a process has read, as long as nothing is known to have changed in them. */
export interface CatalogPages {
  /** The page, if it was read at most `keptFor` the time that reading took ago (ms). The same object as long as it hasn't changed. */
  get(key: PageKey, keptFor: (lookTime: number) => number): Page<RepositoryName> | undefined;
  begin(key: PageKey): PageReading;
  /** Forgets what `note` may have changed. */
  apply(note: CatalogNote): void;
  /** Anything may have changed. */
  forgetAll(): void;
}

/** The names that decide on a page's content: greater than `after`, up to the first one behind the page, if there is one. */
interface Range {
  readonly after: string;
  readonly following: string | undefined;
}

interface KnownPage extends Range {
  readonly page: Page<RepositoryName>;
  readonly names: ReadonlySet<string>;
  /** When its reading began (ms, monotonic). */
  readonly readAt: number;
  /** How long that took (ms). */
  readonly lookTime: number;
}

/**
 * For how long a page isn't kept after a repository in it may have become empty (ms): far longer than a process relies on what it
 * has told the others (docs/protocols/inventory.md §The catalog).
 */
const UNSETTLED = 60_000;
/** What a name takes, in its page and in the set, on average. */
const BYTES_PER_NAME = 150;
/** How many repositories that may have become empty are remembered one by one. */
const MAX_UNSETTLED = 1000;

/** Keeps pages of `maxBytes` altogether. `clock` in ms, monotonic. */
export function createCatalogPages(maxBytes: number, clock: () => number): CatalogPages {
  const pages = new LRUCache<string, KnownPage>({
    maxSize: maxBytes,
    sizeCalculation: ({ page }) => (page.items.length + 1) * BYTES_PER_NAME,
  });
  const unsettled = new Map<string, number>();
  let allUnsettledUntil = 0;
  const readings = new Set<CatalogNote[]>();

  const isUnsettled = (range: Range, now: number): boolean => {
    if (now < allUnsettledUntil) return true;
    for (const [name, until] of unsettled) {
      if (until <= now) unsettled.delete(name);
      else if (covers(range, name)) return true;
    }
    return false;
  };

  const unsettle = (name: string): void => {
    unsettled.delete(name);
    unsettled.set(name, clock() + UNSETTLED);
    if (unsettled.size > MAX_UNSETTLED) forgetAll();
  };

  const forgetAll = (): void => {
    for (const noted of readings) noted.push({ holds: false, name: "" });
    pages.clear();
    unsettled.clear();
    allUnsettledUntil = clock() + UNSETTLED;
  };

  const knownPage = (key: PageKey, names: readonly RepositoryName[], readAt: number): KnownPage => {
    const { limit = names.length } = key;
    const page = { items: names.slice(0, limit), more: names.length > limit };
    // The same object for the same content, so that what was made of it can be used again.
    const before = pages.peek(textOf(key))?.page;
    const range = { after: key.after, following: names[limit] };
    const isSame = before !== undefined && isEqual(before, page);
    return { ...range, page: isSame ? before : page, names: new Set(names), readAt, lookTime: clock() - readAt };
  };

  return {
    get(key, keptFor) {
      const known = pages.get(textOf(key));
      if (known === undefined || clock() - known.readAt > keptFor(known.lookTime)) return undefined;
      return known.page;
    },

    begin(key) {
      const readAt = clock();
      const noted: CatalogNote[] = [];
      readings.add(noted);
      return {
        isCurrent: () => noted.length === 0,
        store(names) {
          const known = knownPage(key, names, readAt);
          const isOutdated = noted.some((note) => note.name === "" || mayChange(known, note));
          if (!isOutdated && !isUnsettled(known, clock())) pages.set(textOf(key), known);
          return known.page;
        },
        end: () => void readings.delete(noted),
      };
    },

    apply(note) {
      for (const noted of readings) noted.push(note);
      for (const [text, page] of [...pages.entries()]) if (mayChange(page, note)) pages.delete(text);
      if (!note.holds) unsettle(note.name);
    },

    forgetAll,
  };
}

const textOf = ({ after, limit }: PageKey): string => `${limit ?? ""} ${after}`;

function covers({ after, following }: Range, name: string): boolean {
  return name > after && (following === undefined || name <= following);
}

/** Most notes are about repositories that are listed already, and change nothing. */
function mayChange(known: KnownPage, { holds, name }: CatalogNote): boolean {
  return covers(known, name) && !(holds && known.names.has(name));
}

function isEqual(a: Page<string>, b: Page<string>): boolean {
  return (
    a.more === b.more && a.items.length === b.items.length && a.items.every((name, index) => name === b.items[index])
  );
}
