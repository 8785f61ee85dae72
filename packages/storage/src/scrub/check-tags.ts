import { HOUR } from "@longshore/base/duration";
import type { StorageDriver } from "../contract/driver.js";
import { isRemoval, revisionLink, tagCurrentLink, tagDirectory, tagsDirectory } from "../layout/paths.js";
import type { RepositoryName } from "../model/repository-name.js";
import { isTagName, type TagName } from "../model/tag.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { hasLink, orUndefined } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { lookAtLink } from "./links.js";
import { CONCURRENCY, type Look, type Scrub, type Suspects } from "./run.js";

/** A removal of a tag that hasn't ended after this time (ms) was killed. */
const ENDS_WITHIN = HOUR;

/** Checks the repository's tags. */
export async function checkTags({ driver, counts }: Scrub, name: RepositoryName, suspects: Suspects): Promise<void> {
  for await (const names of listBatches(driver, tagsDirectory(name), undefined)) {
    await mapConcurrently(names.filter(isTagName), CONCURRENCY, async (tag) => {
      counts.tags += 1;
      await suspects.check(lookAtTag(name, tag));
    });
  }
}

const lookAtTag =
  (repository: RepositoryName, tag: TagName): Look =>
  async (driver) => {
    const found = await lookAtLink(driver, tagCurrentLink(repository, tag));
    const place = { repository, tag };
    if (found.kind === "missing") return lookAtLeftover(driver, repository, tag);
    if (found.kind === "link") {
      const { target } = found;
      if (await hasLink(driver, revisionLink(repository, target), target)) return undefined;
      const message = `${repository}: the tag ${tag} points to ${target}, which isn't there; push it again, or delete the tag`;
      return { kind: "tag-dangling", damage: true, ...place, digest: target, message };
    }
    const what = found.kind === "torn" ? "is cut off" : `can't be read: ${found.reason}`;
    const message = `${repository}: the link of the tag ${tag} ${what}; push it again, or delete the tag`;
    return { kind: "tag-link", damage: true, ...place, message };
  };

/** What a removal that was killed has left of a tag; Distribution lists it. */
async function lookAtLeftover(driver: StorageDriver, repository: RepositoryName, tag: TagName) {
  const directory = tagDirectory(repository, tag);
  const page = await orUndefined(driver.list(directory));
  const old: string[] = [];
  for (const each of page?.names.filter(isRemoval) ?? []) {
    const info = await orUndefined(driver.stat(`${directory}/${each}`));
    if (info !== undefined && info.modified.getTime() < Date.now() - ENDS_WITHIN) old.push(`${directory}/${each}`);
  }
  if (old.length === 0) return undefined;
  const repair = async (): Promise<void> => {
    for (const path of old) await orUndefined(driver.delete(path));
  };
  const message = `${repository}: an interrupted delete has left files of the tag ${tag}; --repair removes them`;
  return { kind: "tag-leftover", damage: false, repository, tag, message, repair } as const;
}
