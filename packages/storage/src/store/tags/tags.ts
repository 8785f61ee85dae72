import { canTouch, type CallOptions, type ListPage, type StorageDriver } from "../../contract/driver.js";
import { isObjectStorage } from "../../contract/object-storage.js";
import type { Page, PageRequest, TagStore } from "../../contract/tag-store.js";
import { StorageError } from "../../errors.js";
import { tagCurrentLink, tagsDirectory } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { isTagName, type TagName } from "../../model/tag.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { tagLinkName } from "../shared/link-names.js";
import type { ManifestDependencies } from "../dependencies.js";
import { orUndefined, readLink, readSoundLink } from "../shared/links.js";
import { batchSize, listBatches, listPages, takePage } from "../shared/paging.js";
import { holdsManifest } from "../manifests/revisions.js";
import { fileTagLinks } from "./link-files.js";
import { MARK_SIZE, objectTagLinks } from "./link-objects.js";
import type { TagLinks } from "./links.js";

/** What the tags of a repository work with. */
type TagDependencies = Pick<
  ManifestDependencies,
  "driver" | "links" | "tagLinks" | "tagConcurrency" | "liveTags" | "tagPages" | "immutable"
>;

/** The tag links of the repository `name`, by the protocol that the storage supports. */
export function openTagLinks(name: RepositoryName, driver: StorageDriver): TagLinks {
  if (!canTouch(driver) && isObjectStorage(driver)) return objectTagLinks(name, driver);
  return fileTagLinks(name, driver);
}

/** The tags of the repository `name`. */
export function createTagStore(name: RepositoryName, dependencies: TagDependencies): TagStore {
  const { driver, links, tagLinks, tagConcurrency, liveTags, tagPages, immutable } = dependencies;

  /** Removes a tag by what it may be removed for; false if there is none, or it points elsewhere than `only`. */
  const remove = async (tag: TagName, only: Digest | undefined, options?: CallOptions): Promise<boolean> => {
    const rule = immutable(name)?.(tag);
    if (rule === undefined) {
      if (only !== undefined) return tagLinks.removeFrom(tag, only, () => Promise.resolve(true), options);
      return tagLinks.remove(tag, options);
    }
    const digest = await readSoundLink(driver, tagCurrentLink(name, tag), options);
    if (digest !== undefined)
      throw new StorageError({ code: "TAG_IMMUTABLE", name, tag, digest, rule, wanted: "delete" });
    return tagLinks.removeFrom(tag, undefined, () => Promise.resolve(true), options);
  };

  /** The tags among `names`. A directory without a current link was left by an interrupted push or delete, and is not a tag. */
  const tagsAmong = async (names: readonly string[], options: CallOptions): Promise<readonly TagName[]> => {
    const candidates = names.filter(isTagName);
    const unknown = candidates.filter((tag) => !liveTags.has(name, tag));
    await mapConcurrently(unknown, tagConcurrency, async (tag) => {
      if (await isLive(name, tag, driver, options)) liveTags.add(name, tag);
    });
    return candidates.filter((tag) => liveTags.has(name, tag));
  };

  /** A page, and whether each name that was listed for it is a tag: only then does an unchanged listing mean the same page. */
  const makePage = async (
    listings: AsyncIterable<ListPage>,
    request: PageRequest,
  ): Promise<{ readonly page: Page<TagName>; readonly isPlain: boolean }> => {
    let isPlain = true;
    async function* batches(): AsyncGenerator<readonly TagName[], void, undefined> {
      for await (const { names } of listings) {
        const found = await tagsAmong(names, request);
        isPlain &&= found.length === names.length;
        yield found;
      }
    }
    return { page: await takePage(batches(), request.limit), isPlain };
  };

  /** The page that `request` asks for: the same object as the last time, if the listings show that nothing has changed. */
  const pageFor = async (request: PageRequest): Promise<Page<TagName>> => {
    const { after, limit } = request;
    const { forgotten } = liveTags;
    const remembered = tagPages.get(name, request);
    const before = remembered?.forgotten === forgotten ? remembered : undefined;
    const listings = listPages(driver, tagsDirectory(name), after, batchSize(limit), request);
    const read: ListPage[] = [];
    for (const expected of before?.listings ?? []) {
      const { value } = await listings.next();
      if (value === undefined) break;
      read.push(value);
      if (value !== expected) break;
    }
    if (before?.listings.every((listing, index) => listing === read[index]) === true) return before.page;

    async function* all(): AsyncGenerator<ListPage, void, undefined> {
      yield* read.slice();
      for await (const listing of listings) {
        read.push(listing);
        yield listing;
      }
    }
    const { page, isPlain } = await makePage(all(), request);
    if (isPlain && page.items.length > 0) tagPages.set(name, request, { listings: read, forgotten, page });
    return page;
  };

  return {
    async resolve(tag, options) {
      const read = () => readLink(driver, tagCurrentLink(name, tag), options);
      const digest = await links.through(tagLinkName(name, tag), read);
      if (digest === undefined) {
        liveTags.forget(name, tag);
        throw new StorageError({ code: "TAG_UNKNOWN", name, tag });
      }
      return digest;
    },

    isLinked: (tag, options) => isLive(name, tag, driver, options),

    set: (tag, digest, options) =>
      links.changing([tagLinkName(name, tag)], () => tagLinks.set(tag, digest, options), options),

    async delete(tag, options) {
      liveTags.forget(name, tag);
      const change = () => links.changing([tagLinkName(name, tag)], () => remove(tag, options?.only, options), options);
      // Without reading the link: a tag whose link is damaged can be deleted, too.
      const isRemoved = (await isLive(name, tag, driver, options)) && (await change());
      if (!isRemoved) throw new StorageError({ code: "TAG_UNKNOWN", name, tag });
    },

    async list(request = {}) {
      const page = await pageFor(request);
      if (page.items.length === 0 && request.limit !== 0 && !(await holdsManifest(name, driver, request))) {
        throw new StorageError({ code: "NAME_UNKNOWN", name });
      }
      return page;
    },
  };
}

async function isLive(
  name: RepositoryName,
  tag: TagName,
  driver: StorageDriver,
  options?: CallOptions,
): Promise<boolean> {
  const info = await orUndefined(driver.stat(tagCurrentLink(name, tag), { ...options, fileOnly: true }));
  return info !== undefined && !info.isDirectory && info.size > 0 && info.size !== MARK_SIZE;
}

/** Every tag of the repository `name` that points to `digest`. */
export async function tagsPointingTo(
  digest: Digest,
  name: RepositoryName,
  { driver, tagConcurrency }: Pick<TagDependencies, "driver" | "tagConcurrency">,
  options?: CallOptions,
): Promise<readonly TagName[]> {
  const found: TagName[] = [];
  for await (const names of listBatches(driver, tagsDirectory(name), undefined, undefined, options)) {
    const targets = await mapConcurrently(names.filter(isTagName), tagConcurrency, async (tag) => ({
      tag,
      // A damaged link points nowhere and must not prevent the deletion of a manifest.
      target: await readSoundLink(driver, tagCurrentLink(name, tag), options),
    }));
    found.push(...targets.filter(({ target }) => target === digest).map(({ tag }) => tag));
  }
  return found;
}
