import type { LinkCache } from "../contract/caches.js";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import type { PageRequest, TagStore } from "../contract/tag-store.js";
import { StorageError } from "../errors.js";
import { tagCurrentLink, tagDirectory, tagIndexLink, tagsDirectory } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { isTagName, type TagName } from "../model/tag.js";
import { allEnded, mapConcurrently } from "./concurrent.js";
import { tagLinkName } from "./link-names.js";
import type { LiveTags } from "./live-tags.js";
import { hasLink, orUndefined, readLink, readSoundLink, writeLink } from "./links.js";
import { batchSize, listBatches, takePage } from "./paging.js";
import { holdsManifest } from "./revisions.js";

/** What a repository's tags are made of. */
export interface TagDependencies {
  readonly driver: StorageDriver;
  readonly links: LinkCache;
  /** Links that are read at a time (`storage.tag.concurrencylimit`). */
  readonly concurrency: number;
  readonly seen: LiveTags;
}

/** The tags of the repository `name`. */
export function createTagStore(name: RepositoryName, dependencies: TagDependencies): TagStore {
  const { driver, links, concurrency, seen } = dependencies;

  /** Tags in batches. A directory without a current link is what an interrupted push or delete left, and no tag. */
  async function* liveTags({ after, limit, signal }: PageRequest): AsyncGenerator<readonly TagName[], void, undefined> {
    for await (const names of listBatches(driver, tagsDirectory(name), after, batchSize(limit), { signal })) {
      const candidates = names.filter(isTagName);
      const unseen = candidates.filter((tag) => !seen.has(name, tag));
      await mapConcurrently(unseen, concurrency, async (tag) => {
        if (await isLive(name, tag, driver, { signal })) seen.add(name, tag);
      });
      yield candidates.filter((tag) => seen.has(name, tag));
    }
  }

  const setTag = async (tag: TagName, digest: Digest, options?: CallOptions): Promise<void> => {
    const current = tagCurrentLink(name, tag);
    // What is there already isn't written again; made durable, since another process may have put it there just now.
    const isSame = (await readSoundLink(driver, current, options)) === digest;
    if (isSame && (await hasLink(driver, current, digest, { ...options, durable: true }))) return;
    // Side by side: after a crash the history lacks this entry, or has it for a tag that never pointed there. Nobody
    // reads the history to learn what a tag is (contract §5), so either is harmless.
    await allEnded([
      writeLink(driver, tagIndexLink(name, tag, digest), digest, options),
      writeLink(driver, current, digest, options),
    ]);
  };

  return {
    async resolve(tag, options) {
      const read = () => readLink(driver, tagCurrentLink(name, tag), options);
      const digest = await links.through(tagLinkName(name, tag), read);
      if (digest === undefined) {
        seen.forget(name, tag);
        throw new StorageError({ code: "TAG_UNKNOWN", name, tag });
      }
      return digest;
    },

    set: (tag, digest, options) =>
      links.changing([tagLinkName(name, tag)], () => setTag(tag, digest, options), options),

    async delete(tag, options) {
      // Not by reading it: a tag whose link is damaged can still be deleted.
      if (!(await isLive(name, tag, driver, options))) {
        seen.forget(name, tag);
        throw new StorageError({ code: "TAG_UNKNOWN", name, tag });
      }
      await links.changing([tagLinkName(name, tag)], () => removeTag(name, tag, dependencies, options), options);
    },

    async list(request = {}) {
      const page = await takePage(liveTags(request), request.limit);
      if (page.items.length === 0 && request.limit !== 0 && !(await holdsManifest(name, driver, request))) {
        throw new StorageError({ code: "NAME_UNKNOWN", name });
      }
      return page;
    },
  };
}

/**
 * Takes a tag and its history away, for a caller who has announced the change to the caches. Tells whether nobody else did it
 * first.
 */
export async function removeTag(
  name: RepositoryName,
  tag: TagName,
  { driver, seen }: Pick<TagDependencies, "driver" | "seen">,
  options?: CallOptions,
): Promise<boolean> {
  seen.forget(name, tag);
  const removal = driver.delete(tagDirectory(name, tag), options).then(() => true);
  return (await orUndefined(removal)) ?? false;
}

async function isLive(
  name: RepositoryName,
  tag: TagName,
  driver: StorageDriver,
  options?: CallOptions,
): Promise<boolean> {
  const info = await orUndefined(driver.stat(tagCurrentLink(name, tag), { ...options, fileOnly: true }));
  return info !== undefined && !info.isDirectory && info.size > 0;
}

/** Every tag of `name` that points to `digest`, with at most `concurrency` links read at a time. */
export async function tagsPointingTo(
  digest: Digest,
  name: RepositoryName,
  { driver, concurrency }: Pick<TagDependencies, "driver" | "concurrency">,
  options?: CallOptions,
): Promise<readonly TagName[]> {
  const found: TagName[] = [];
  for await (const names of listBatches(driver, tagsDirectory(name), undefined, undefined, options)) {
    const targets = await mapConcurrently(names.filter(isTagName), concurrency, async (tag) => ({
      tag,
      // A damaged link points nowhere; it must not keep a manifest from being deleted.
      target: await readSoundLink(driver, tagCurrentLink(name, tag), options),
    }));
    found.push(...targets.filter(({ target }) => target === digest).map(({ tag }) => tag));
  }
  return found;
}
