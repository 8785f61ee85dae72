import {
  isManifestMediaType,
  isStorageError,
  parseManifest,
  referencesOf,
  sizeOfBytes,
  type Digest,
  type Registry,
  type RepositoryName,
  type StorageDriver,
  type StoredManifest,
} from "@longshore/storage";
import type { NamePattern } from "../contract.js";
import { keyOf, type Entries, type Entry } from "./entries.js";
import { planRemovals, type Inventory } from "./plan.js";
import type { StateFile } from "./state-file.js";

/** What a sweep needs. */
export interface SweepParts {
  readonly registry: Registry;
  readonly driver: StorageDriver;
  readonly file: StateFile;
  /** ms; 0: content never expires. */
  readonly ttl: number;
  /** 0: any number. */
  readonly maxBytes: number;
  /** Of repositories, and of repositories with a tag (`name:tag`): never removed. */
  readonly pins: readonly NamePattern[];
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** What a sweep did. */
export interface SweepResult {
  readonly expired: number;
  /** Manifests that went because others needed the room. */
  readonly forRoom: number;
  readonly blobs: number;
  /** Bytes that a collection frees now, as far as nothing outside of the cache needs them. */
  readonly bytes: number;
  /** What couldn't be removed, and is tried again. */
  readonly failures: number;
}

/**
 * Removes what has expired, and what was used longest ago while there is more than the budget: manifests with their tags, and links of
 * blobs that nothing needs any more. Bytes are the collector's to free: it knows what other repositories have. An entry goes when its
 * content has gone, and not before. Throws StorageError.
 */
export async function sweep(parts: SweepParts): Promise<SweepResult> {
  const { registry, file, ttl, maxBytes, now, signal } = parts;
  const entries = await file.read();
  const plan = planRemovals(entries, await takeStock(entries, parts), { ttl, maxBytes, now: now() });
  const removed = new Map<string, Entry>();
  let failures = 0;
  const remove = async (entry: Entry, work: () => Promise<unknown>): Promise<void> => {
    signal.throwIfAborted();
    try {
      await work();
    } catch (error) {
      if (!isStorageError(error)) throw error;
      if (error.code !== "MANIFEST_UNKNOWN" && error.code !== "BLOB_UNKNOWN") {
        failures += 1;
        return;
      }
    }
    removed.set(keyOf(entry), entry);
  };
  for (const entry of plan.manifests) {
    await remove(entry, () => registry.repository(entry.name).manifests.delete(entry.digest));
  }
  for (const entry of plan.blobs) await remove(entry, () => registry.repository(entry.name).blobs.delete(entry.digest));
  if (removed.size > 0) {
    // Others have written meanwhile: what was used since then stays an entry.
    const left = new Map(await file.read());
    for (const [key, entry] of removed) if (left.get(key)?.lastUse === entry.lastUse) left.delete(key);
    await file.write(left);
  }
  const { forRoom, bytes } = plan;
  return { expired: plan.manifests.length - forRoom, forRoom, blobs: plan.blobs.length, bytes, failures };
}

/** Looks at what entries stand for. */
async function takeStock(
  entries: Entries,
  { registry, driver, pins, maxBytes, signal }: SweepParts,
): Promise<Inventory> {
  const references = new Map<string, readonly Digest[]>();
  const sizes = new Map<Digest, number>();
  const measure = async (digest: Digest): Promise<void> => {
    if (maxBytes === 0 || sizes.has(digest)) return;
    sizes.set(digest, (await sizeOfBytes(driver, digest)) ?? 0);
  };
  for (const [key, entry] of entries) {
    signal.throwIfAborted();
    await measure(entry.digest);
    if (entry.kind === "blob") continue;
    const needed = await referencesIn(registry, entry);
    references.set(key, needed);
    for (const digest of needed) await measure(digest);
  }
  return { references, sizes, pinned: await findPinned(entries, references, registry, pins) };
}

async function referencesIn(registry: Registry, { name, digest }: Entry): Promise<readonly Digest[]> {
  try {
    return digestsIn(await registry.repository(name).manifests.get(digest));
  } catch (error) {
    if (isStorageError(error, "MANIFEST_UNKNOWN")) return [];
    throw error;
  }
}

/** The blobs of an image. Children of an index have entries of their own. */
function digestsIn({ bytes, mediaType }: StoredManifest): readonly Digest[] {
  if (!isManifestMediaType(mediaType)) return [];
  return referencesOf(parseManifest(bytes, mediaType)).map(({ descriptor }) => descriptor.digest);
}

/** What pins hold: all of a repository, or what a tag leads to, with everything that this needs. */
async function findPinned(
  entries: Entries,
  references: ReadonlyMap<string, readonly Digest[]>,
  registry: Registry,
  pins: readonly NamePattern[],
): Promise<ReadonlySet<string>> {
  const pinned = new Set<string>();
  if (pins.length === 0) return pinned;
  const hold = (name: RepositoryName, digest: Digest): void => {
    const key = keyOf({ name, digest });
    if (pinned.has(key)) return;
    pinned.add(key);
    for (const each of references.get(key) ?? []) hold(name, each);
  };
  const isPinned = (text: string): boolean => pins.some((pin) => pin.test(text));
  const names = new Set([...entries.values()].map(({ name }) => name));
  for (const name of names) {
    if (isPinned(name)) {
      for (const entry of entries.values()) if (entry.name === name) hold(name, entry.digest);
      continue;
    }
    const { tags } = registry.repository(name);
    const listed = await tags.list().catch((error: unknown) => {
      if (isStorageError(error, "NAME_UNKNOWN")) return { items: [] };
      throw error;
    });
    for (const tag of listed.items) if (isPinned(`${name}:${tag}`)) hold(name, await tags.resolve(tag));
  }
  return pinned;
}
