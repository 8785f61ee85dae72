import { abortable } from "@longshore/base/abort";
import { SECOND } from "@longshore/base/duration";
import {
  canTouch,
  type Page,
  type Registry,
  type Repository,
  type RepositoryName,
  type StorageDriver,
} from "@longshore/storage";
import { LRUCache } from "lru-cache";
import { openBoard, type Board } from "../board/board.js";
import { batched } from "@longshore/base/batched";
import { CATALOG_BOARD } from "../layout.js";
import { createCatalogPages, type CatalogNote, type CatalogPages, type PageKey, type PageReading } from "./pages.js";

/** Options of {@link keepCatalog}. */
export interface CatalogOptions {
  /** A word that no other process has, of letters, digits and `-`. */
  readonly processId: string;
  /** How much this process keeps. */
  readonly maxBytes: number;
  /** Called if other processes couldn't be told of a change: they notice it by themselves, some seconds later. */
  readonly onUntold: (error: unknown) => void;
  /** ms, monotonic. */
  readonly clock?: (() => number) | undefined;
}

/**
 * For how long a page is served without another look (ms): within it, a change that another program makes may not show. A look
 * costs hundreds of requests over object storage.
 */
const LOOK_AGAIN = { files: SECOND / 4, objects: 10 * SECOND };
/** A page is kept for so many times as long as the look took, so that looks take a small share of a busy machine. */
const LOOK_SHARE = 30;
/** But never for longer than this (ms). */
const MOST_STALE = 10 * SECOND;
/** For how long a process doesn't repeat that a repository has a manifest, or may have lost its last one (ms). */
const TOLD = 5 * SECOND;
const MAX_TOLD = 10_000;
/** The longest name of a repository has 255 characters: a longer mark is greater than the same names. */
const MAX_AFTER = 256;

/**
 * `registry`, whose catalog is read from the storage once and then kept in this process, until a process that pushes or deletes
 * says that it has changed (docs/protocols/inventory.md §The catalog).
 */
export function keepCatalog(registry: Registry, driver: StorageDriver, options: CatalogOptions): Registry {
  const { processId, maxBytes, onUntold, clock = () => performance.now() } = options;
  const board = openBoard(driver, CATALOG_BOARD, processId);
  const pages = createCatalogPages(maxBytes, clock);
  const tell = createTeller(board, pages, onUntold, clock);
  const lookAgain = canTouch(driver) ? LOOK_AGAIN.files : LOOK_AGAIN.objects;
  const keptFor = (lookTime: number): number => Math.min(Math.max(lookAgain, lookTime * LOOK_SHARE), MOST_STALE);
  const news = board.reader();
  const looks = new Map<string, Look>();

  const readNews = batched(async (): Promise<void> => {
    const { notes, isComplete } = await news.read();
    if (!isComplete) pages.forgetAll();
    for (const note of notes) pages.apply(parseNote(note));
  });

  const look = async (key: PageKey, reading: PageReading): Promise<Page<RepositoryName>> => {
    const limit = key.limit === undefined ? undefined : key.limit + 1;
    try {
      return reading.store((await registry.repositories({ after: key.after, limit })).items);
    } finally {
      reading.end();
    }
  };

  /** Joins a look that saw everything that this process knows of, or begins one. */
  const joinLook = (key: PageKey): Promise<Page<RepositoryName>> => {
    const text = JSON.stringify([key.after, key.limit]);
    const running = looks.get(text);
    if (running?.reading.isCurrent() === true) return running.page;
    const reading = pages.begin(key);
    const own = { reading, page: look(key, reading) };
    looks.set(text, own);
    const forget = (): void => {
      if (looks.get(text) === own) looks.delete(text);
    };
    own.page.then(forget, forget);
    return own.page;
  };

  return {
    repository: (name) => tellOfChanges(registry.repository(name), tell),

    async remove(name, options) {
      try {
        return await registry.remove(name, options);
      } finally {
        // Also if it was interrupted: all its manifests may be gone.
        await tell({ holds: false, name });
      }
    },

    async repositories(request = {}) {
      if (request.limit === 0) return registry.repositories(request);
      const key = { after: (request.after ?? "").slice(0, MAX_AFTER), limit: request.limit };
      await readNews();
      return pages.get(key, keptFor) ?? abortable(joinLook(key), request.signal);
    },
  };
}

/** A page that is being read, for all who ask for it. */
interface Look {
  readonly reading: PageReading;
  readonly page: Promise<Page<RepositoryName>>;
}

type Tell = (note: CatalogNote) => Promise<void>;

function createTeller(
  board: Board,
  pages: CatalogPages,
  onUntold: CatalogOptions["onUntold"],
  clock: () => number,
): Tell {
  const told = new LRUCache<string, number>({ maxSize: MAX_TOLD, sizeCalculation: () => 1 });
  return async (note) => {
    const text = formatNote(note);
    const before = clock();
    if (before - (told.get(text) ?? -Infinity) < TOLD) return;
    try {
      await board.post(text);
      told.set(text, before);
    } catch (error) {
      pages.forgetAll();
      onUntold(error);
    }
  };
}

/** Tells of changes once they are in the storage, and before they are acknowledged. */
function tellOfChanges(repository: Repository, tell: Tell): Repository {
  const { name, manifests } = repository;
  return {
    ...repository,
    manifests: {
      ...manifests,
      put: async (push, options) => {
        const pushed = await manifests.put(push, options);
        await tell({ holds: true, name });
        return pushed;
      },
      delete: async (digest, options) => {
        const result = await manifests.delete(digest, options);
        await tell({ holds: false, name });
        return result;
      },
    },
  };
}

const formatNote = ({ holds, name }: CatalogNote): string => `${holds ? "+" : "-"}${name}`;

const parseNote = (text: string): CatalogNote => ({ holds: text.startsWith("+"), name: text.slice(1) });
