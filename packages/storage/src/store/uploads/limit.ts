import { abortable } from "@longshore/base/abort";
import { LRUCache } from "lru-cache";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { isObjectStorage } from "../../contract/object-storage.js";
import { StorageError } from "../../errors.js";
import { isUploadId, uploadsDirectory, uploadStartedAt } from "../../layout/paths.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { orUndefined } from "../shared/links.js";
import { listBatches } from "../shared/paging.js";

/** Limits the number of unfinished sessions in each repository. */
export interface UploadLimit {
  /**
   * Runs `start`, which stores the session `uuid`, if the limit allows another one. The session counts while `start` runs,
   * whether or not its directory is listed yet, and afterwards if it succeeded. Throws TOO_MANY_UPLOADS.
   */
  admit(name: RepositoryName, uuid: string, start: () => Promise<void>, options?: CallOptions): Promise<void>;
  /** Reports that the session `uuid` has ended. */
  release(name: RepositoryName, uuid: string): void;
}

/** How many sessions are admitted between two counts, at most. */
const UNCOUNTED = 64;
const REPOSITORIES = 10_000;

/** How many sessions are checked concurrently. */
const LOOKS = 16;

/** How long a full repository isn't counted again (ms): a count costs a call for each session. */
const FULL_FOR = 10_000;

/** A repository in which sessions are being started right now. */
interface Busy {
  /** Sessions that are being started, and those that the current listing may have missed. */
  readonly sessions: Set<string>;
  /** How many starts are neither finished nor refused. */
  starting: number;
  /** The current count; it never rejects. */
  counting: Promise<void> | undefined;
  /** How many starts wait for it. */
  waiting: number;
  /** How many sessions have ended and starts have failed so far. */
  ended: number;
}

/**
 * Counts sessions by the names in their directory, but not each time: far from the limit some are admitted on credit, so that
 * each process may exceed the limit by a few. A process runs one count of a repository at a time and includes the sessions that
 * it is starting, so that concurrent starts don't use the same credit. In object storage, where listing is the most expensive
 * call, a process starts with some credit and regains one for each session that ends in it: usually as many sessions end as
 * start there, so that it only counts if sessions are abandoned.
 */
export function createUploadLimit(driver: StorageDriver, limit: number): UploadLimit {
  const credits = new LRUCache<RepositoryName, number>({ max: REPOSITORIES });
  const full = new LRUCache<RepositoryName, true>({ max: REPOSITORIES, ttl: FULL_FOR });
  const busy = new Map<RepositoryName, Busy>();
  const isListingExpensive = isObjectStorage(driver);
  const most = (left: number): number => Math.min(UNCOUNTED, Math.floor(left / 8));

  /** Sessions that can be resumed, without those in `known`. Leftovers of failures and killed processes can't. */
  const countLive = async (
    name: RepositoryName,
    known: ReadonlySet<string>,
    options?: CallOptions,
  ): Promise<readonly string[]> => {
    const live: string[] = [];
    for await (const names of listBatches(driver, uploadsDirectory(name), undefined, undefined, options)) {
      const unknown = names.filter((uuid) => isUploadId(uuid) && !known.has(uuid));
      await mapConcurrently(unknown, LOOKS, async (uuid) => {
        const info = await orUndefined(driver.stat(uploadStartedAt(name, uuid), { ...options, fileOnly: true }));
        if (info !== undefined) live.push(uuid);
      });
      if (live.length >= limit) break;
    }
    return live;
  };

  /** How many sessions there are in addition to `sessions`, which may grow meanwhile. */
  const countOthers = async (name: RepositoryName, { sessions }: Busy, options?: CallOptions): Promise<number> => {
    const others = (uuids: readonly string[]): number => uuids.filter((uuid) => !sessions.has(uuid)).length;
    const page = await orUndefined(driver.list(uploadsDirectory(name), { ...options, limit: limit + sessions.size }));
    const listed = others(page?.names ?? []);
    if (listed + sessions.size < limit) return listed;
    return others(await countLive(name, sessions, options));
  };

  /** Admits `uuid`, and grants credit for the waiting starts and some more, unless the repository is full. */
  const count = async (name: RepositoryName, uuid: string, place: Busy, options?: CallOptions): Promise<void> => {
    const { ended } = place;
    const others = await countOthers(name, place, options);
    const left = limit - others - place.sessions.size;
    if (left <= 0) {
      // If a session ended during the count it may have been counted: this start is refused, and the next one counts again.
      if (place.ended === ended) full.set(name, true);
      throw tooMany();
    }
    place.sessions.add(uuid);
    credits.set(name, Math.min(left - 1, Math.max(most(left), place.waiting)));
  };

  const countAlone = async (name: RepositoryName, uuid: string, place: Busy, options?: CallOptions): Promise<void> => {
    const counted = count(name, uuid, place, options);
    place.counting = counted.catch(() => undefined);
    try {
      await counted;
    } finally {
      place.counting = undefined;
    }
  };

  const tooMany = (): StorageError => new StorageError({ code: "TOO_MANY_UPLOADS", limit });

  /** Adds `uuid` to the sessions of `place`, in the same step that uses up a credit. */
  const enter = async (name: RepositoryName, uuid: string, place: Busy, options?: CallOptions): Promise<void> => {
    for (;;) {
      const credit = credits.get(name) ?? (isListingExpensive ? most(limit) : 0);
      if (credit > 0) {
        credits.set(name, credit - 1);
        place.sessions.add(uuid);
        return;
      }
      if (full.has(name)) throw tooMany();
      if (place.counting === undefined) {
        await countAlone(name, uuid, place, options);
        return;
      }
      place.waiting += 1;
      try {
        await abortable(place.counting, options?.signal);
      } finally {
        place.waiting -= 1;
      }
    }
  };

  const open = (name: RepositoryName): Busy => {
    const place = busy.get(name) ?? { sessions: new Set(), starting: 0, counting: undefined, waiting: 0, ended: 0 };
    busy.set(name, place);
    return place;
  };

  return {
    admit: async (name, uuid, start, options) => {
      const place = open(name);
      place.starting += 1;
      try {
        await enter(name, uuid, place, options);
        await start();
        // A listing that started earlier may not contain it.
        if (place.counting === undefined) place.sessions.delete(uuid);
        else void place.counting.then(() => place.sessions.delete(uuid));
      } catch (error) {
        if (place.sessions.delete(uuid)) {
          place.ended += 1;
          full.delete(name);
        }
        throw error;
      } finally {
        place.starting -= 1;
        if (place.starting === 0) busy.delete(name);
      }
    },
    release: (name, uuid) => {
      const place = busy.get(name);
      place?.sessions.delete(uuid);
      if (place !== undefined) place.ended += 1;
      full.delete(name);
      const credit = credits.get(name);
      if (isListingExpensive && credit !== undefined) credits.set(name, Math.min(most(limit), credit + 1));
    },
  };
}
