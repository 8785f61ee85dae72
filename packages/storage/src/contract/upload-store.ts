import type { Descriptor } from "../model/descriptor.js";
import type { Digest, DigestAlgorithm } from "../model/digest.js";
import type { CallOptions } from "./driver.js";

/** An upload session as clients see it. */
export interface UploadStatus {
  readonly uuid: string;
  /** Bytes received and stored. */
  readonly size: number;
  /** When the session was opened. */
  readonly startedAt: Date;
}

/** The body of one request of a session. */
export interface UploadBody {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The size that the session must have before these bytes; unchecked if absent. */
  readonly offset?: number | undefined;
  /** The announced number of bytes; if fewer arrive they are kept, and UPLOAD_SIZE_INVALID is thrown. */
  readonly length?: number | undefined;
}

/**
 * A repository's upload sessions (docs/protocols/uploads.md §Uploads that any process can finish). Any process can continue any
 * session. If a body breaks off, what arrived is kept, and the session can be resumed from `status`. The exception is a body of
 * an announced length that contains a whole blob for object storage: then the session remains empty.
 */
export interface UploadStore {
  /** Opens a session. `algorithm` is hashed while bytes arrive; another one costs a second read at commit. */
  start(options?: CallOptions & { readonly algorithm?: DigestAlgorithm }): Promise<UploadStatus>;
  /** Throws UPLOAD_UNKNOWN. */
  status(uuid: string, options?: CallOptions): Promise<UploadStatus>;
  /** Appends bytes. Throws UPLOAD_UNKNOWN, UPLOAD_OFFSET_INVALID, UPLOAD_TAKEN_OVER. */
  append(uuid: string, body: UploadBody, options?: CallOptions): Promise<UploadStatus>;
  /**
   * Appends the last bytes, if any, and turns the session into the blob `digest`: durable, verified, and linked here. This ends
   * the session. On DIGEST_MISMATCH nothing is linked and the session is removed, because it can never become that blob.
   */
  commit(uuid: string, digest: Digest, body: UploadBody | undefined, options?: CallOptions): Promise<Descriptor>;
  /** Throws UPLOAD_UNKNOWN. */
  cancel(uuid: string, options?: CallOptions): Promise<void>;
}
