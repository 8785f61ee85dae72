import { abortable } from "@longshore/base/abort";
import {
  DigestSet,
  openSurvey,
  referencesOf,
  type CallOptions,
  type Digest,
  type Manifest,
  type Registry,
  type Repository,
  type RepositoryName,
  type StorageDriver,
  type TagName,
} from "@longshore/storage";
import type { ActivityLog } from "./activity/activity.js";
import { openBoard } from "./board/board.js";
import type { Inventory, RepositoryEntry, RepositorySort, Usage, UsageOptions } from "./contract.js";
import { createDocuments, type Documents } from "./documents/documents.js";
import { formatChange } from "./documents/notes.js";
import { openHistory } from "./history/history.js";
import { openKeptFacts, type KeptFacts } from "./kept-facts/kept-facts.js";
import { CHANGES_BOARD } from "./layout.js";
import { manifestEntry, referrerEntries, repositoryEntry, tagEntry, tagKey } from "./lists/entries.js";
import { DEFAULT_LIMIT, pageOf, placesOf, type Placed, type SortKey } from "./lists/page.js";
import { createRepositories, type Look } from "./lists/repositories.js";

/** Options of {@link openInventory}. */
export interface InventoryOptions {
  /** A word that no other process has, of letters, digits and `-`. */
  readonly processId: string;
  /** Who pushed and pulled. */
  readonly activity: ActivityLog;
  /** How much this process keeps, in bytes. */
  readonly maxBytes: number;
  /** Bytes of the largest manifest. */
  readonly maxManifestBytes: number;
  /** Called if other processes couldn't be told of a change: they notice it by themselves, some minutes later. */
  readonly onUntold: (error: unknown) => void;
  /** Whether this process writes down what it has read of manifests, for others and for its next start. */
  readonly keeps: boolean;
  /** Of how many days it is kept what the registry took. */
  readonly historyDays: number;
  /** Called when that fails, or reading it, for the first time, and again once it has worked in between. */
  readonly onTrouble: (error: unknown) => void;
  /** ms, monotonic. */
  readonly clock?: (() => number) | undefined;
}

/** An inventory, and the registry through which changes must be made for it to know of them. */
export interface OpenInventory {
  readonly inventory: Inventory;
  readonly registry: Registry;
  /** Ends what is being written. */
  close(): Promise<void>;
}

/** The inventory of `registry`, read from `driver` as it is asked for (docs/protocols/inventory.md §Documents). */
export function openInventory(registry: Registry, driver: StorageDriver, options: InventoryOptions): OpenInventory {
  const { processId, activity, maxBytes, maxManifestBytes, onUntold, keeps, onTrouble } = options;
  const { historyDays: maxDays, clock = () => performance.now() } = options;
  const board = openBoard(driver, CHANGES_BOARD, processId);
  const kept = openKeptFacts(driver, { keeps, onTrouble, maxBytes: maxBytes / 4, registry, clock });
  const history = openHistory(driver, { maxDays, keeps, onTrouble });
  const documents = createDocuments(openSurvey(driver, maxManifestBytes), kept, board.reader(), {
    maxBytes,
    onNews: (note) => repositories.apply(note),
    clock,
  });
  const look = async (name: RepositoryName): Promise<Look> => {
    const document = await documents.get(name);
    return { entry: repositoryEntry(document), readAt: document.readAt };
  };
  const withPull = (entry: RepositoryEntry): RepositoryEntry => ({ ...entry, pulled: activity.lastPull(entry.name) });
  const repositories = createRepositories(registry, look, clock);
  const tell: Tell = async (name, items) => {
    try {
      await board.post(formatChange(name, items));
    } catch (error) {
      onUntold(error);
    }
  };
  const namesBelow = async (prefix: string, call: CallOptions | undefined): Promise<readonly RepositoryName[]> => {
    await documents.readNews();
    const names = await repositories.names(call);
    return names.filter((name) => prefix === "" || name === prefix || name.startsWith(`${prefix}/`));
  };
  const listRepositories: Inventory["repositories"] = async (query = {}) => {
    const { sort = "name", filter = () => true } = query;
    await Promise.all([documents.readNews(), activity.read()]);
    const names = (await repositories.names(query)).filter(filter);
    if (sort === "name") {
      const page = pageOf(byName(names), query);
      return { ...page, items: (await repositories.entries(page.items, query)).map(withPull) };
    }
    const items = (await repositories.entries(names, query)).map(withPull);
    return pageOf(placesOf({ items, nameOf: ({ name }) => name, keyOf: REPOSITORY_KEYS[sort] }), query);
  };
  return {
    registry: {
      ...registry,
      repository: (name) => tellOfChanges(registry.repository(name), tell),
      async remove(name, removal) {
        try {
          const removed = await registry.remove(name, removal);
          await kept.remove(name);
          return removed;
        } finally {
          await tell(name, "all");
        }
      },
    },
    close: () => kept.close(),
    inventory: {
      ...listsOf(documents, activity),

      repositories: listRepositories,

      async firstRepositories({ filter = () => true, limit = DEFAULT_LIMIT, signal } = {}) {
        await Promise.all([documents.readNews(), activity.read()]);
        const names = await repositories.firstNames(limit, filter, { signal });
        if (names === undefined) return listRepositories({ filter, limit, signal });
        const page = pageOf(byName(names.items), { limit });
        const items = (await repositories.entries(page.items, { signal })).map(withPull);
        return { ...page, items, total: names.more ? undefined : page.total };
      },

      async repository(name) {
        await activity.read();
        const { entry } = await look(name);
        return entry && withPull(entry);
      },

      async pullsSince() {
        await activity.read();
        return activity.pullsSince();
      },

      async usage(prefix = "", call) {
        const usage = await usageOf(await namesBelow(prefix, call), documents, kept, call);
        if (prefix === "") await history.note(usage);
        return usage;
      },

      history: () => history.read(),

      async *contents(prefix, call) {
        for (const name of await namesBelow(prefix, call)) {
          call?.signal?.throwIfAborted();
          const document = await documents.get(name);
          if (document.manifests.size === 0) continue;
          yield { name, parts: document.parts(), tags: document.sortedTags, manifests: document.manifests.size };
        }
      },
    },
  };
}

function byName(names: readonly RepositoryName[]): readonly Placed<RepositoryName>[] {
  return placesOf({ items: names, nameOf: (name) => name, keyOf: undefined });
}

const REPOSITORY_KEYS: Readonly<Record<RepositorySort, ((entry: RepositoryEntry) => SortKey) | undefined>> = {
  name: undefined,
  pushed: ({ pushed }) => pushed,
  pulled: ({ pulled }) => pulled ?? 0,
  tags: ({ tags }) => tags,
  size: ({ size }) => size,
};

type Lists = Pick<Inventory, "tags" | "allTags" | "allManifests" | "referrers">;

/** What is read of one repository at a time. */
function listsOf(documents: Documents, activity: ActivityLog): Lists {
  const open = async (name: RepositoryName) => {
    await activity.read();
    return { document: await documents.get(name), useOf: activity.of(name) };
  };
  return {
    async tags(name, query = {}) {
      const { document, useOf } = await open(name);
      const { sort = "name" } = query;
      const keyOf = tagKey(document, useOf, sort);
      // Pulls change while the document doesn't.
      const places =
        sort === "pulled"
          ? placesOf({ items: document.sortedTags, nameOf: (tag) => tag, keyOf })
          : document.tagsBy(sort, keyOf);
      const page = pageOf(places, query);
      // What another program has done to a tag that is shown is shown.
      await documents.get(name, { tags: page.items });
      const entries = page.items.flatMap((tag) => {
        const state = document.tags.get(tag);
        return state === undefined ? [] : [tagEntry(document, tag, state, useOf)];
      });
      return { ...page, items: entries };
    },
    async allTags(name) {
      const { document, useOf } = await open(name);
      return document.sortedTags.flatMap((tag) => {
        const state = document.tags.get(tag);
        return state === undefined ? [] : [tagEntry(document, tag, state, useOf)];
      });
    },
    async allManifests(name) {
      const { document, useOf } = await open(name);
      const states = [...document.manifests.values()].sort((a, b) => (a.facts.digest < b.facts.digest ? -1 : 1));
      return states.map((state) => manifestEntry(document, state, useOf));
    },
    async referrers(name, subject) {
      return referrerEntries(await documents.get(name), subject);
    },
  };
}

async function usageOf(
  names: readonly RepositoryName[],
  documents: Documents,
  kept: KeptFacts,
  { signal, onProgress, thorough = false }: UsageOptions = {},
): Promise<Usage> {
  const parts = new DigestSet();
  const manifests = new DigestSet();
  let [repositories, tags, bytes, logicalBytes] = [0, 0, 0, 0];
  for (const [index, name] of names.entries()) {
    const progress = { name, done: index, total: names.length };
    onProgress?.(progress);
    const document = await documents.get(name, {
      signal,
      onProgress: (manifestsDone, manifestsTotal) => onProgress?.({ ...progress, manifestsDone, manifestsTotal }),
    });
    if (thorough) await abortable(kept.written(), signal);
    if (document.manifests.size === 0) continue;
    repositories += 1;
    tags += document.tags.size;
    for (const digest of document.manifests.keys()) manifests.add(digest);
    for (const [digest, size] of document.parts()) {
      logicalBytes += size;
      if (parts.add(digest)) bytes += size;
    }
  }
  return { repositories, tags, manifests: manifests.size, blobs: parts.size - manifests.size, bytes, logicalBytes };
}

type Tell = (name: RepositoryName, items: readonly (TagName | Digest)[] | "all") => Promise<void>;

/** A note of more items has no place among the others on a board. */
const MOST_ITEMS = 24;

/** The manifests that a push relied on, which makes them as new as the push. */
function reliedOn(manifest: Manifest): readonly Digest[] {
  return referencesOf(manifest).flatMap(({ kind, descriptor }) => (kind === "blob" ? [] : [descriptor.digest]));
}

/** Tells of changes once they are in the storage, and before they are acknowledged. */
function tellOfChanges(repository: Repository, tell: Tell): Repository {
  const { name, manifests, tags } = repository;
  return {
    ...repository,
    tags: {
      ...tags,
      set: async (tag, digest, options) => {
        await tags.set(tag, digest, options);
        await tell(name, [tag]);
      },
      delete: async (tag, options) => {
        await tags.delete(tag, options);
        await tell(name, [tag]);
      },
    },
    manifests: {
      ...manifests,
      put: async (push, options) => {
        const pushed = await manifests.put(push, options);
        const items = [pushed.descriptor.digest, ...push.tags, ...reliedOn(pushed.manifest)];
        await tell(name, items.length > MOST_ITEMS ? "all" : items);
        return pushed;
      },
      delete: async (digest, options) => {
        const result = await manifests.delete(digest, options);
        await tell(name, [digest, ...result.removedTags]);
        return result;
      },
    },
  };
}
