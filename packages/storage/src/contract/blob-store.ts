import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { ByteRange, CallOptions, ContentStream, RedirectRequest } from "./driver.js";

/** A repository's blobs: a digest is known here only when this repository links it, whoever else has its bytes. */
export interface BlobStore {
  /**
   * Size and digest (as asked for). With `keep` a collector leaves the blob alone for a while: for those who may leave it out
   * of a push when they are told that it is here. Throws BLOB_UNKNOWN.
   */
  stat(digest: Digest, options?: CallOptions & { readonly keep?: boolean | undefined }): Promise<Descriptor>;
  /** The bytes, or a range of them. Throws BLOB_UNKNOWN. The caller closes the stream. */
  open(digest: Digest, options?: CallOptions & ByteRange): Promise<ContentStream>;
  /** Where a client can fetch a linked blob itself; undefined to serve it from here. `keep` as in `stat`. Throws BLOB_UNKNOWN. */
  redirectUrl(
    digest: Digest,
    request: RedirectRequest,
    options?: CallOptions & { readonly keep?: boolean | undefined },
  ): Promise<string | undefined>;
  /**
   * Links a blob that `from` links or, without `from`, that any repository has (distribution-spec §Mounting a blob).
   * Throws BLOB_UNKNOWN where that isn't so.
   */
  mount(digest: Digest, from: RepositoryName | undefined, options?: CallOptions): Promise<Descriptor>;
  /** Takes the link away; the bytes stay for the collector. Throws BLOB_UNKNOWN. */
  delete(digest: Digest, options?: CallOptions): Promise<void>;
}
