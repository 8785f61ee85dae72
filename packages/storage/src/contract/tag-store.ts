import type { Digest } from "../model/digest.js";
import type { TagName } from "../model/tag.js";
import type { CallOptions } from "./driver.js";

/** One page of a longer list, in order. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** Which page: at most `limit` items (by default all) that are greater than `after` by bytes. */
export interface PageRequest extends CallOptions {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** Options of {@link TagStore.resolve}. */
export interface ResolveOptions extends CallOptions {
  /** Called if the answer may be outdated, because the upstream of a pull-through cache doesn't respond. `reason` is for clients. */
  readonly onStale?: ((reason: string) => void) | undefined;
}

/** A repository's tags. */
export interface TagStore {
  /** The digest that `tag` points to. Throws TAG_UNKNOWN. */
  resolve(tag: TagName, options?: ResolveOptions): Promise<Digest>;
  /** Whether there is a link, even if that is damaged: false means that it was deleted, or never set. Asks the storage, and no cache. */
  isLinked(tag: TagName, options?: CallOptions): Promise<boolean>;
  /** Points `tag` to `digest`, which must be a revision here. */
  set(tag: TagName, digest: Digest, options?: CallOptions): Promise<void>;
  /**
   * With `only` it is deleted if it still points there, whatever is pushed meanwhile. Throws TAG_UNKNOWN, also if it points
   * elsewhere, and TAG_IMMUTABLE.
   */
  delete(tag: TagName, options?: CallOptions & { readonly only?: Digest | undefined }): Promise<void>;
  /** A page of tags. Throws NAME_UNKNOWN if the repository has neither tags nor manifests. */
  list(page?: PageRequest): Promise<Page<TagName>>;
}
