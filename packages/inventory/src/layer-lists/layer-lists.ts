import { HOUR } from "@longshore/base/duration";
import { KIB, MIB } from "@longshore/base/size";
import { orUndefined, type Digest, type StorageDriver } from "@longshore/storage";
import { LAYER_LISTS } from "../layout.js";
import { decodeList, encodeList, type ListSource, type WrittenListing } from "./list-file.js";

/**
 * Lists of the files in layers that were made before, by all processes. A layer's digest says all that a list depends on, but not who may
 * see it: ask only for a layer that the viewer may pull.
 */
export interface LayerLists {
  /** Undefined if none is kept, or one that can't be read. Never throws. */
  get(digest: Digest, source: ListSource): Promise<WrittenListing | undefined>;
  /** Keeps a list, unless it only says what could be read in time. Never throws. */
  keep(digest: Digest, source: ListSource, listing: WrittenListing): Promise<void>;
  /** Ends what goes on behind. */
  close(): Promise<void>;
}

/** Options of {@link openLayerLists}. */
export interface LayerListsOptions {
  /** How much all lists together may take in the storage (bytes). 0: none is kept. */
  readonly maxBytes: number;
  /** Whether this process writes. */
  readonly keeps: boolean;
  /** Called when reading or writing fails for the first time, and again once it has worked in between. */
  readonly onTrouble: (error: unknown) => void;
  /** ms, monotonic. */
  readonly clock: () => number;
}

/** The largest list that is kept, compressed. */
const MAX_LIST = 16 * MIB;
/** What a small file counts as: many of them take long to look through. */
const LEAST = 64 * KIB;
/** What other processes have written is looked at again after this time, and after so much of the bound from this one. */
const LOOK_AGAIN = HOUR;
const SHARE = 1 / 16;
/** Files that are looked at at a time. */
const LOOKS = 8;
/** The oldest lists go until so much of the bound is left. */
const ROOM = 3 / 4;

/** The lists in the inventory's folder on `driver` (docs/protocols/inventory.md §Lists of files). */
export function openLayerLists(driver: StorageDriver, options: LayerListsOptions): LayerLists {
  const { maxBytes, keeps, onTrouble, clock } = options;
  let isTroubled = false;
  let lookedAt = -Infinity;
  let written = 0;
  let sweeping: Promise<unknown> | undefined;
  const closing = new AbortController();
  const { signal } = closing;

  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const result = await work();
      isTroubled = false;
      return result;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isTroubled) onTrouble(error);
      isTroubled = true;
      return undefined;
    }
  };

  /** `latest` stays: times may be the same. */
  const sweep = async (latest: string): Promise<void> => {
    lookedAt = clock();
    written = 0;
    const files: { readonly path: string; readonly weight: number; readonly modified: number }[] = [];
    const look = async (path: string): Promise<void> => {
      const info = await orUndefined(driver.stat(path, { fileOnly: true, signal }));
      if (info !== undefined) files.push({ path, weight: weightOf(info.size), modified: info.modified.getTime() });
    };
    const names = (await orUndefined(driver.list(LAYER_LISTS, { signal })))?.names ?? [];
    for (let index = 0; index < names.length; index += LOOKS) {
      signal.throwIfAborted();
      await Promise.all(names.slice(index, index + LOOKS).map((name) => look(`${LAYER_LISTS}/${name}`)));
    }
    let total = files.reduce((sum, { weight }) => sum + weight, 0);
    if (total <= maxBytes) return;
    for (const { path, weight } of files.sort((a, b) => a.modified - b.modified)) {
      if (total <= maxBytes * ROOM) return;
      if (path === latest) continue;
      signal.throwIfAborted();
      await orUndefined(driver.delete(path, { fileOnly: true, signal }));
      total -= weight;
    }
  };

  return {
    async get(digest, source) {
      if (maxBytes === 0) return undefined;
      const bytes = await attempt(() => orUndefined(driver.read(pathOf(digest, source), { limit: MAX_LIST })));
      return bytes && decodeList(bytes, digest, source);
    },

    async keep(digest, source, listing) {
      if (!keeps || maxBytes === 0 || listing.cutBy === "time" || signal.aborted) return;
      await attempt(async () => {
        const bytes = await encodeList(digest, source, listing);
        if (bytes === undefined || bytes.length > MAX_LIST) return;
        const weight = weightOf(bytes.length);
        if (weight > maxBytes * SHARE) return;
        const path = pathOf(digest, source);
        await driver.write(path, bytes, { durable: false });
        written += weight;
        if (written < maxBytes * SHARE && clock() - lookedAt < LOOK_AGAIN) return;
        // Whoever waits for the list doesn't wait for this.
        sweeping ??= attempt(() => sweep(path)).finally(() => (sweeping = undefined));
      });
    },

    async close() {
      closing.abort();
      await sweeping;
    },
  };
}

const weightOf = (size: number): number => Math.max(size, LEAST);

const pathOf = (digest: Digest, source: ListSource): string => `${LAYER_LISTS}/${digest.replace(":", "-")}-${source}`;
