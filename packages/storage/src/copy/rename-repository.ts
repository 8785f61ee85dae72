import type { Registry } from "../contract/registry.js";
import { isStorageError } from "../errors.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";
import { copyRepository, type CopiedWithin, type CopyPlaces } from "./copy-repository.js";
import { createCopier, type CopiedItem, type CopyWithinOptions } from "./copier.js";

/** How many times what was pushed meanwhile is copied, too. */
const ATTEMPTS = 5;

/** Pushes to a repository that is being moved don't end. */
class RepositoryInUseError extends Error {
  override readonly name = "RepositoryInUseError";

  constructor(name: RepositoryName) {
    super(`pushes to ${name} keep arriving; what came before has moved: stop them, and move it again for the rest`);
  }
}

/**
 * Moves a repository to another name on the same storage: copies it, and then removes it, each manifest and tag only once the
 * target has it. What is pushed to the old name meanwhile moves as well, or stays there if that doesn't end. It can be interrupted
 * and called again. Throws NAME_UNKNOWN if there is nothing to move, RepositoryInUseError if pushes keep arriving, NAME_INVALID if both are the same.
 */
export async function renameRepository(
  registry: Registry,
  { from, to }: CopyPlaces,
  options: CopyWithinOptions = {},
): Promise<CopiedWithin> {
  const total = { tags: 0, manifests: 0, blobs: 0 };
  const tagged = new Map<TagName, Digest>();
  const onCopied = (item: CopiedItem): void => {
    if (item.kind === "tag") tagged.set(item.tag, item.digest);
    options.onCopied?.(item);
  };
  for (let tries = 1; ; tries += 1) {
    const copied = await copyRepository(registry, { from, to }, { ...options, onCopied }).catch(ifEmpty);
    for (const key of ["tags", "manifests", "blobs"] as const) total[key] += copied?.[key] ?? 0;
    // What came since the copy passed by is brought now.
    const copier = createCopier(registry.repository(from), registry.repository(to), { ...options, onCopied });
    const { left } = await registry.remove(from, {
      signal: options.signal,
      before: async (item) => {
        if (item.kind === "manifest") await copier.manifest(item.digest);
        if (item.kind !== "tag" || item.digest === undefined || tagged.get(item.tag) === item.digest) return;
        // One whose manifest neither has pointed nowhere before.
        await copier.tag(item.digest, item.tag).catch(ifUnknown);
      },
    });
    if (left === 0) return total;
    const { items } = await registry.repository(from).manifests.list({ signal: options.signal, limit: 1 });
    if (items.length === 0) return total;
    if (tries === ATTEMPTS) throw new RepositoryInUseError(from);
  }
}

/** A rename that was interrupted may have left tags and no manifests. */
function ifEmpty(error: unknown): undefined {
  if (isStorageError(error, "NAME_UNKNOWN")) return undefined;
  throw error;
}

function ifUnknown(error: unknown): void {
  if (!isStorageError(error, "MANIFEST_UNKNOWN")) throw error;
}
