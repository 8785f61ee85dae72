import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import type { Page, PageRequest } from "./tag-store.js";

/** A page of referrers, which may end early: `more` says so. */
export interface ReferrerPage extends Page<Descriptor> {
  /** The `after` of the next page, if more was read than the listed items show; this page may even be empty. */
  readonly next?: Digest | undefined;
}

/** The manifests that name another one as their subject (distribution-spec §Listing Referrers). */
export interface ReferrerStore {
  /**
   * Descriptors ordered by digest, of one artifact type if given. Empty for a subject without referrers, known or not. A page
   * may end before `limit`, or without one, after some megabytes of descriptors or of files that were read.
   */
  list(subject: Digest, page?: PageRequest & { readonly artifactType?: string | undefined }): Promise<ReferrerPage>;
}
