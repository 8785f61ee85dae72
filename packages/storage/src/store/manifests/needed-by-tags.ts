import type { CallOptions } from "../../contract/driver.js";
import { StorageError } from "../../errors.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { tagCurrentLink, tagsDirectory } from "../../layout/paths.js";
import { isTagName } from "../../model/tag.js";
import type { RegistryDependencies } from "../dependencies.js";
import { readSoundLink } from "../shared/links.js";
import { listBatches } from "../shared/paging.js";
import { tagsPointingTo } from "../tags/tags.js";

/** Throws TAG_IMMUTABLE if an immutable tag of the repository `name` points to `digest`. */
export async function requireNoImmutableTag(
  name: RepositoryName,
  digest: Digest,
  dependencies: Pick<RegistryDependencies, "driver" | "tagConcurrency" | "immutable">,
  options?: CallOptions,
): Promise<void> {
  const ruleOf = dependencies.immutable(name);
  if (ruleOf === undefined) return;
  for (const tag of await tagsPointingTo(digest, name, dependencies, options)) {
    const rule = ruleOf(tag);
    if (rule === undefined) continue;
    throw new StorageError({ code: "TAG_IMMUTABLE", name, tag, digest, rule, wanted: "delete-manifest" });
  }
}

/** Throws TAG_IMMUTABLE if the repository `name` has an immutable tag. */
export async function requireNoImmutableTags(
  name: RepositoryName,
  { driver, immutable }: Pick<RegistryDependencies, "driver" | "immutable">,
  options?: CallOptions,
): Promise<void> {
  const ruleOf = immutable(name);
  if (ruleOf === undefined) return;
  for await (const names of listBatches(driver, tagsDirectory(name), undefined, undefined, options)) {
    for (const tag of names.filter(isTagName)) {
      const rule = ruleOf(tag);
      const digest = rule === undefined ? undefined : await readSoundLink(driver, tagCurrentLink(name, tag), options);
      if (rule === undefined || digest === undefined) continue;
      throw new StorageError({ code: "TAG_IMMUTABLE", name, tag, digest, rule, wanted: "delete-repository" });
    }
  }
}
