import type { Digest } from "@longshore/storage";
import { keyOf, type Entries, type Entry } from "./entries.js";

/** What is known of cached content beside its entry. */
export interface Inventory {
  /** What a cached manifest refers to; empty for one that isn't there. */
  readonly references: ReadonlyMap<string, readonly Digest[]>;
  /** Bytes by digest; absent: not there. */
  readonly sizes: ReadonlyMap<Digest, number>;
  /** Keys of what is never removed. */
  readonly pinned: ReadonlySet<string>;
}

/** What goes, and why. */
export interface Plan {
  readonly manifests: readonly Entry[];
  /** Links of blobs that no manifest of their repository needs any more. */
  readonly blobs: readonly Entry[];
  /** Bytes that go with them when nothing else needs them. */
  readonly bytes: number;
  /** How many of the manifests haven't expired: their room is needed. */
  readonly forRoom: number;
}

/** When content goes. */
export interface Limits {
  /** ms; 0: never. */
  readonly ttl: number;
  /** 0: any number. */
  readonly maxBytes: number;
  /** ms since 1970. */
  readonly now: number;
}

/** A budget that was exceeded is freed down to this part of it, so that the next blob doesn't exceed it again. */
const LOW_WATER = 0.9;

/**
 * Decides what goes. Manifests expire, or go by their last use until the rest has room; a blob goes when no manifest of its repository that
 * stays needs it, and its bytes when no repository does. No blob is taken from under a manifest that stays.
 */
export function planRemovals(entries: Entries, inventory: Inventory, { ttl, maxBytes, now }: Limits): Plan {
  const oldestFirst = [...entries.values()].sort((a, b) => a.lastUse - b.lastUse);
  const removable = oldestFirst.filter((entry) => !inventory.pinned.has(keyOf(entry)));
  const holdings = new Holdings(oldestFirst, inventory);
  const before = holdings.bytes;
  const gone: Entry[] = [];
  let forRoom = 0;
  const isFull = before > maxBytes;
  for (const entry of removable) {
    const isExpired = ttl > 0 && now - entry.lastUse > ttl;
    const needsRoom = maxBytes > 0 && isFull && holdings.bytes > maxBytes * LOW_WATER;
    // The rest was used later.
    if (!isExpired && !needsRoom) break;
    holdings.drop(entry);
    gone.push(entry);
    if (!isExpired && entry.kind === "manifest") forRoom += 1;
  }
  return {
    manifests: gone.filter(({ kind }) => kind === "manifest"),
    blobs: gone.filter((entry) => entry.kind === "blob" && !holdings.isNeeded(entry)),
    bytes: before - holdings.bytes,
    forRoom,
  };
}

/** What content is held by, counted: bytes go with the last that holds them. */
class Holdings {
  readonly #inventory: Inventory;
  /** By digest: entries, and manifests that need it. */
  readonly #holders = new Map<Digest, number>();
  /** By key: manifests of the same repository that need it. */
  readonly #needs = new Map<string, number>();
  #bytes = 0;

  constructor(entries: readonly Entry[], inventory: Inventory) {
    this.#inventory = inventory;
    for (const entry of entries) this.#count(entry, 1);
  }

  get bytes(): number {
    return this.#bytes;
  }

  drop(entry: Entry): void {
    this.#count(entry, -1);
  }

  isNeeded(entry: Entry): boolean {
    return (this.#needs.get(keyOf(entry)) ?? 0) > 0;
  }

  #count(entry: Entry, change: 1 | -1): void {
    this.#hold(entry.digest, change);
    for (const digest of this.#inventory.references.get(keyOf(entry)) ?? []) {
      this.#hold(digest, change);
      const key = keyOf({ name: entry.name, digest });
      this.#needs.set(key, (this.#needs.get(key) ?? 0) + change);
    }
  }

  #hold(digest: Digest, change: 1 | -1): void {
    const count = (this.#holders.get(digest) ?? 0) + change;
    this.#holders.set(digest, count);
    if (count === (change === 1 ? 1 : 0)) this.#bytes += change * (this.#inventory.sizes.get(digest) ?? 0);
  }
}
