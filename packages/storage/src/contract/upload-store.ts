import type { Descriptor } from "../model/descriptor.js";
import type { Digest, DigestAlgorithm } from "../model/digest.js";
import type { CallOptions } from "./driver.js";

/** An upload session as clients see it. */
export interface UploadStatus {
  readonly uuid: string;
  /** Bytes received and kept. */
  readonly size: number;
  /** When the session was opened. */
  readonly startedAt: Date;
}

/** What arrives with one request of a session. */
export interface UploadBody {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The size that the session must have for these bytes to follow; unchecked where absent. */
  readonly offset?: number | undefined;
  /** The number of bytes announced; fewer throws UPLOAD_SIZE_INVALID, with what came kept. */
  readonly length?: number | undefined;
}

/**
 * A repository's upload sessions (docs/architecture.md §Uploads that any process can finish). Any process can go on with
 * any session. A body that breaks off keeps what arrived: the session can be resumed from `status`. The exception is one of
 * an announced length that brings a whole blob to object storage: it leaves the session empty, as it was.
 */
export interface UploadStore {
  /** Opens a session. `algorithm` is hashed while bytes arrive; another one costs a second read at commit. */
  start(options?: CallOptions & { readonly algorithm?: DigestAlgorithm }): Promise<UploadStatus>;
  /** Throws UPLOAD_UNKNOWN. */
  status(uuid: string, options?: CallOptions): Promise<UploadStatus>;
  /** Adds bytes behind those received. Throws UPLOAD_UNKNOWN, UPLOAD_OFFSET_INVALID, UPLOAD_TAKEN_OVER. */
  append(uuid: string, body: UploadBody, options?: CallOptions): Promise<UploadStatus>;
  /**
   * Adds the last bytes, if any, and makes the session the blob `digest`: durable, verified, linked here. The session is
   * gone afterwards; on DIGEST_MISMATCH nothing is linked and the session is removed, since it can never become that blob.
   */
  commit(uuid: string, digest: Digest, body: UploadBody | undefined, options?: CallOptions): Promise<Descriptor>;
  /** Throws UPLOAD_UNKNOWN. */
  cancel(uuid: string, options?: CallOptions): Promise<void>;
}
