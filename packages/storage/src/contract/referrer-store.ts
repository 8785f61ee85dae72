import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import type { Page, PageRequest } from "./tag-store.js";

/** A page of referrers, which may end early: `more` says so. */
export interface ReferrerPage extends Page<Descriptor> {
  /** The next page's `after`, where this one ended behind its last item: it read much and listed little, or nothing. */
  readonly next?: Digest | undefined;
}

/** Who names a manifest as subject (distribution-spec §Listing Referrers). */
export interface ReferrerStore {
  /**
   * Descriptors ordered by digest, of one artifact type where given. Empty for a subject that nobody names or knows.
   * A page may end before `limit`, or without one, when its descriptors make some megabytes, or when so much was read.
   */
  list(subject: Digest, page?: PageRequest & { readonly artifactType?: string | undefined }): Promise<ReferrerPage>;
}
