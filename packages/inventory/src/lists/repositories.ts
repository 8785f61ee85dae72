import { abortable } from "@longshore/base/abort";
import { MINUTE } from "@longshore/base/duration";
import {
  isRepositoryName,
  mapConcurrently,
  type CallOptions,
  type Page,
  type Registry,
  type RepositoryName,
} from "@longshore/storage";
import type { RepositoryEntry, RepositoryFilter } from "../contract.js";
import { READ_AGAIN } from "../documents/documents.js";
import type { ChangeNote } from "../documents/notes.js";

/** The repositories of a registry, with what is known of each. */
export interface Repositories {
  /** Names, ascending; some may have become empty. */
  names(options?: CallOptions): Promise<readonly RepositoryName[]>;
  /**
   * The first names, ascending: more than `count` that `filter` lets through, or all of these. Undefined if `names` needn't list anything.
   */
  firstNames(count: number, filter: RepositoryFilter, options?: CallOptions): Promise<Page<RepositoryName> | undefined>;
  /** What is in those of `names` that aren't empty. */
  entries(names: readonly RepositoryName[], options?: CallOptions): Promise<readonly RepositoryEntry[]>;
  /** Learns of a change; undefined: anything may have changed. */
  apply(note: ChangeNote | undefined): void;
}

/** After this time (ms) the names are listed again, for what other programs have changed. */
const LIST_AGAIN = MINUTE;
/** Names that are listed at a time in search of those that a viewer may see. */
const NEXT_NAMES = 1000;
/** Repositories that are read at a time. */
const CONCURRENCY = 4;

/** What was found in a repository. */
export interface Look {
  /** Undefined if it is empty. */
  readonly entry: RepositoryEntry | undefined;
  /** When its links were read (ms, monotonic). */
  readonly readAt: number;
}

/** `look` returns what the repository contains now. `clock` in ms, monotonic. */
export function createRepositories(
  registry: Registry,
  look: (name: RepositoryName) => Promise<Look>,
  clock: () => number,
): Repositories {
  let known = new Map<RepositoryName, Known>();
  let listedAt = -Infinity;
  let sorted: readonly RepositoryName[] | undefined;
  /** What has changed since the listing that runs began. */
  const missed = new Set<RepositoryName>();

  /** The listing that runs, for all who wait for one. */
  let listing: Promise<void> | undefined;
  let upheavals = 0;

  const list = async (): Promise<void> => {
    const began = clock();
    const before = upheavals;
    missed.clear();
    const { items } = await registry.repositories();
    known = new Map([...items, ...missed].map((name) => [name, known.get(name) ?? {}] as const));
    sorted = undefined;
    // What anybody may have changed meanwhile may not be in it.
    if (upheavals === before) listedAt = began;
  };

  const joinListing = (): Promise<void> =>
    (listing ??= list().finally(() => {
      listing = undefined;
    }));

  const lookAt = async (name: RepositoryName): Promise<RepositoryEntry | undefined> => {
    const before = known.get(name);
    const last = before?.look;
    const isRecent = last?.entry !== undefined && clock() - last.readAt < READ_AGAIN;
    const found = isRecent ? last : await look(name);
    const { entry } = found;
    // What it was looked at for may have changed again meanwhile.
    if (before === undefined || known.get(name) !== before) return entry;
    before.look = found;
    if (entry === undefined && known.delete(name)) sorted = undefined;
    return entry;
  };

  const forget = (name: RepositoryName): void => {
    if (!known.has(name)) sorted = undefined;
    known.set(name, {});
    missed.add(name);
  };

  return {
    async names(options) {
      if (clock() - listedAt >= LIST_AGAIN) {
        const isJoined = listing !== undefined;
        await abortable(joinListing(), options?.signal);
        // It began before what this call must know of.
        if (isJoined && listedAt === -Infinity) await abortable(joinListing(), options?.signal);
      }
      return (sorted ??= [...known.keys()].sort());
    },

    async firstNames(count, filter, options) {
      if (clock() - listedAt < LIST_AGAIN) return undefined;
      const items: RepositoryName[] = [];
      let page: Page<RepositoryName> | undefined;
      do {
        const limit = page === undefined ? count + 1 : NEXT_NAMES;
        page = await registry.repositories({ after: page?.items.at(-1), limit, signal: options?.signal });
        items.push(...page.items.filter(filter));
      } while (page.more && items.length <= count);
      return { items, more: page.more };
    },

    async entries(names, options) {
      const entries = await mapConcurrently(names, CONCURRENCY, async (name) => {
        options?.signal?.throwIfAborted();
        return lookAt(name);
      });
      return entries.filter((entry) => entry !== undefined);
    },

    apply(note) {
      if (note === undefined) {
        listedAt = -Infinity;
        upheavals += 1;
        for (const name of known.keys()) forget(name);
      } else if (isRepositoryName(note.name)) {
        forget(note.name);
      }
    },
  };
}

/** What was found when a repository was looked at; replaced when it changes. */
interface Known {
  look?: Look;
}
