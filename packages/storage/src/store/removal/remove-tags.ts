import { canTouch } from "../../contract/driver.js";
import {
  revisionLink,
  tagCurrentDirectory,
  tagCurrentLink,
  tagDirectory,
  tagIndexDirectory,
  tagsDirectory,
} from "../../layout/paths.js";
import { isTagName, type TagName } from "../../model/tag.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { tagLinkName } from "../shared/link-names.js";
import { hasLink, orUndefined, readSoundLink } from "../shared/links.js";
import { listBatches } from "../shared/paging.js";
import { openTagLinks } from "../tags/tags.js";
import type { Removal } from "./removal.js";

/** Removes the tags whose manifests aren't linked, and those whose links are damaged. */
export async function removeTags(removal: Removal): Promise<void> {
  const { name, shared, call } = removal;
  for await (const names of listBatches(shared.driver, tagsDirectory(name), undefined, undefined, call)) {
    const tags = names.filter(isTagName);
    if (tags.length === 0) continue;
    const links = tags.map((tag) => tagLinkName(name, tag));
    const work = () => mapConcurrently(tags, shared.tagConcurrency, (tag) => removeTag(tag, removal));
    await shared.links.changing(links, work, call);
  }
}

async function removeTag(tag: TagName, { name, shared, call, ...removal }: Removal): Promise<void> {
  const { driver, liveTags } = shared;
  const path = tagCurrentLink(name, tag);
  if ((await orUndefined(driver.stat(path, { ...call, fileOnly: true }))) === undefined) {
    await removeHistory(tag, { name, shared, call });
    return;
  }
  const digest = await readSoundLink(driver, path, call);
  const item = { kind: "tag", tag, digest } as const;
  const isDue = async (): Promise<boolean> => {
    if (digest !== undefined && (await hasLink(driver, revisionLink(name, digest), digest, call))) return false;
    await removal.options.before?.(item);
    return true;
  };
  liveTags.forget(name, tag);
  if (await openTagLinks(name, driver).removeFrom(tag, digest, isDue, call)) removal.removed(item);
  liveTags.forget(name, tag);
}

/** Removes what an interrupted delete left of a tag. A push may write there meanwhile: the history is never read. */
async function removeHistory(
  tag: TagName,
  { name, shared: { driver }, call }: Pick<Removal, "name" | "shared" | "call">,
) {
  await orUndefined(driver.delete(tagIndexDirectory(name, tag), call));
  if (!canTouch(driver)) return;
  await driver.prune(tagCurrentDirectory(name, tag), call);
  await driver.prune(tagDirectory(name, tag), call);
}
