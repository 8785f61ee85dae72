import { randomUUID } from "node:crypto";
import { canTouch, type CallOptions, type StorageDriver } from "../../contract/driver.js";
import {
  isRemoval,
  tagCurrentDirectory,
  tagCurrentLink,
  tagDirectory,
  tagIndexDirectory,
  tagIndexLink,
  tagRemovalDirectory,
} from "../../layout/paths.js";
import { StorageError } from "../../errors.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { TagName } from "../../model/tag.js";
import { allEnded } from "../shared/concurrent.js";
import { hasLink, orUndefined, readSoundLink, writeLink } from "../shared/links.js";
import type { TagLinks } from "./links.js";

const EMPTY = new Uint8Array(0);

const encoder = new TextEncoder();

/** How many times pushes may interfere before a removal gives up and leaves them the tag. */
const ATTEMPTS = 10;

/**
 * Tags over real files. A removal that depends on the tag's target creates a directory of its own, looks at the tag, and then
 * renames the link into that directory, which fails if the directory is gone. A push removes such directories after it has
 * written the link. So a link that was renamed away is either the one that the removal looked at, or belongs to a push that isn't
 * acknowledged yet and will notice that it is missing.
 */
export function fileTagLinks(name: RepositoryName, driver: StorageDriver): TagLinks {
  const removed = async (work: Promise<void>): Promise<boolean> => (await orUndefined(work.then(() => true))) ?? false;

  const endRemovals = async (tag: TagName, options?: CallOptions): Promise<void> => {
    const directory = tagDirectory(name, tag);
    const page = await orUndefined(driver.list(directory, options));
    const removals = page?.names.filter(isRemoval) ?? [];
    await allEnded(removals.map((each) => orUndefined(driver.delete(`${directory}/${each}`, options))));
  };

  const prune = async (tag: TagName): Promise<void> => {
    if (!canTouch(driver)) return;
    await driver.prune(tagCurrentDirectory(name, tag));
    await driver.prune(tagDirectory(name, tag));
  };

  /** Removes the history of a deleted tag. It may also hit one that a push writes at the same time: the history is never read. */
  const forgetHistory = async (tag: TagName, options?: CallOptions): Promise<void> => {
    await orUndefined(driver.delete(tagIndexDirectory(name, tag), options));
  };

  /** Moves the link into the directory `place`, if that still exists. */
  const take = (tag: TagName, place: string, options?: CallOptions): Promise<boolean> => {
    const from = tagCurrentLink(name, tag);
    // Such a driver can't do both in one step: there must be no pushes meanwhile.
    const work = canTouch(driver)
      ? driver.moveInto(from, `${place}/link`, options)
      : driver.move(from, `${place}/link`);
    return removed(work);
  };

  /** Removes the tag if `isDue` says so of its target, which is undefined if the link is damaged. */
  const removeIf = async (
    tag: TagName,
    isDue: (target: Digest | undefined) => Promise<boolean>,
    options?: CallOptions,
  ): Promise<boolean> => {
    for (let tries = 0; tries < ATTEMPTS; tries += 1) {
      const place = tagRemovalDirectory(name, tag, randomUUID());
      try {
        await driver.write(`${place}/mark`, EMPTY, { ...options, durable: false });
        const target = await readSoundLink(driver, tagCurrentLink(name, tag), options);
        if (!(await isDue(target))) return false;
        if (!(await take(tag, place, options))) {
          if (await exists(tag, options)) continue;
          return false;
        }
        // If a push has written in between, it notices that its link is missing and writes it again.
        if ((await readSoundLink(driver, `${place}/link`, options)) !== target) return false;
        await forgetHistory(tag, options);
        return true;
      } finally {
        await orUndefined(driver.delete(place));
        await prune(tag);
      }
    }
    return false;
  };

  const exists = async (tag: TagName, options?: CallOptions): Promise<boolean> =>
    (await orUndefined(driver.stat(tagCurrentLink(name, tag), { ...options, fileOnly: true }))) !== undefined;

  /** Creates the link, of several that try in one alone. A driver of another kind is for one process, and for one push at a time. */
  const createLink = async (tag: TagName, digest: Digest, options?: CallOptions): Promise<boolean> => {
    const current = tagCurrentLink(name, tag);
    if (canTouch(driver)) return driver.writeNew(current, encoder.encode(digest), options);
    await driver.write(current, encoder.encode(digest), options);
    return true;
  };

  const create: TagLinks["create"] = async (tag, digest, options) => {
    const current = tagCurrentLink(name, tag);
    for (let tries = 0; tries < ATTEMPTS; tries += 1) {
      const found = await readSoundLink(driver, current, { ...options, durable: true });
      if (found !== undefined) return found;
      if (await createLink(tag, digest, options)) {
        await writeLink(driver, tagIndexLink(name, tag, digest), digest, options);
        return digest;
      }
      await removeIf(tag, (target) => Promise.resolve(target === undefined), options);
    }
    throw new StorageError({ code: "TAG_CONTENDED", name, tag });
  };

  return {
    async set(tag, digest, options) {
      const current = tagCurrentLink(name, tag);
      // An identical link isn't written again, but made durable: another process may have written it a moment ago.
      const isSame = (await readSoundLink(driver, current, options)) === digest;
      if (isSame && (await hasLink(driver, current, digest, { ...options, durable: true }))) return;
      // Concurrently: after a crash the history may lack this entry, or contain it although the tag never pointed there. Either
      // is harmless, because tags are never read from the history (wire contract §5).
      await allEnded([
        writeLink(driver, tagIndexLink(name, tag, digest), digest, options),
        writeLink(driver, current, digest, options),
      ]);
    },

    async settle(tag, options) {
      await endRemovals(tag, options);
      if (options?.target === undefined) return exists(tag, options);
      return (await readSoundLink(driver, tagCurrentLink(name, tag), options)) === options.target;
    },

    async remove(tag, options) {
      // Only the link, once: removing the whole directory would also remove what a push writes there meanwhile.
      const isRemoved = await removed(driver.delete(tagCurrentLink(name, tag), { ...options, fileOnly: true }));
      if (!isRemoved) return false;
      await endRemovals(tag, options);
      await forgetHistory(tag, options);
      await prune(tag);
      return true;
    },

    create,
    removeFrom: (tag, digest, isDue, options) =>
      removeIf(tag, async (target) => target === digest && (await isDue()), options),
  };
}
