import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import type { Page, PageRequest } from "./tag-store.js";

/** Who names a manifest as subject (distribution-spec §Listing Referrers). */
export interface ReferrerStore {
  /**
   * Descriptors ordered by digest, of one artifact type where given. Empty for a subject that nobody names or knows.
   * A page may end before `limit`, or without one, when its descriptors make some megabytes: `more` says so.
   */
  list(subject: Digest, page?: PageRequest & { readonly artifactType?: string | undefined }): Promise<Page<Descriptor>>;
}
