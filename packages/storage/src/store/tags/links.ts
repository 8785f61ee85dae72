import type { CallOptions } from "../../contract/driver.js";
import type { Digest } from "../../model/digest.js";
import type { TagName } from "../../model/tag.js";

/**
 * Changes where the tags of one repository point (docs/protocols/tags.md §Tags that move while they are deleted). A delete that
 * was meant for another manifest never loses what `set` wrote.
 */
export interface TagLinks {
  /** Points `tag` to `digest`; durable when it resolves. It must only be acknowledged after `settle`. */
  set(tag: TagName, digest: Digest, options?: CallOptions): Promise<void>;
  /**
   * Points `tag` to `digest` unless it points somewhere, and returns where it points then: of several calls with different
   * digests, one has its own. Durable when it resolves. It must only be acknowledged after `settle` with that digest.
   */
  create(tag: TagName, digest: Digest, options?: CallOptions): Promise<Digest>;
  /**
   * Stops every removal that looked at the tag before it was set, and returns whether the tag exists and, where `target` is
   * given, points there. If so, only a removal that sees its current target can remove it.
   */
  settle(tag: TagName, options?: CallOptions & { readonly target?: Digest | undefined }): Promise<boolean>;
  /** Removes the tag, whatever it points to. False if another process did so first. */
  remove(tag: TagName, options?: CallOptions): Promise<boolean>;
  /**
   * Removes the tag if it points to `digest` (undefined: nowhere, because its link is damaged) and `isDue` returns true, which is called after every push that could be lost.
   * Returns whether it did.
   */
  removeFrom(
    tag: TagName,
    digest: Digest | undefined,
    isDue: () => Promise<boolean>,
    options?: CallOptions,
  ): Promise<boolean>;
}
