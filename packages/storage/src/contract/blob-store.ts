import type { Descriptor } from "../model/descriptor.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { ByteRange, CallOptions, ContentStream, RedirectRequest } from "./driver.js";

/** A repository's blobs: a digest is known here only if this repository links it, even if another has its bytes. */
export interface BlobStore {
  /**
   * Size and digest (as requested). With `keep` the blob is protected from collectors for a while, because a client that learns
   * that it exists may leave it out of a push. Throws BLOB_UNKNOWN.
   */
  stat(digest: Digest, options?: CallOptions & { readonly keep?: boolean | undefined }): Promise<Descriptor>;
  /**
   * The bytes, or a range of them. If `size` (from `stat`) is given and the file has another size, it throws DRIVER_ERROR and
   * forgets the cached one. Throws BLOB_UNKNOWN. The caller must close the stream.
   */
  open(
    digest: Digest,
    options?: CallOptions & ByteRange & { readonly size?: number | undefined },
  ): Promise<ContentStream>;
  /** Where a client can fetch a linked blob itself; undefined to serve it from here. `keep` as in `stat`. Throws BLOB_UNKNOWN. */
  redirectUrl(
    digest: Digest,
    request: RedirectRequest,
    options?: CallOptions & { readonly keep?: boolean | undefined },
  ): Promise<string | undefined>;
  /**
   * Links a blob that `from` links or, without `from`, that any repository has (distribution-spec §Mounting a blob).
   * Throws BLOB_UNKNOWN if there is none.
   */
  mount(digest: Digest, from: RepositoryName | undefined, options?: CallOptions): Promise<Descriptor>;
  /** Removes the link; the bytes are left to the collector. Throws BLOB_UNKNOWN. */
  delete(digest: Digest, options?: CallOptions): Promise<void>;
}
