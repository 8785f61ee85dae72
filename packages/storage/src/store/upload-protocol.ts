import type { CallOptions } from "../contract/driver.js";
import type { UploadBody } from "../contract/upload-store.js";
import type { Digest, DigestAlgorithm } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { Turn } from "./upload-turns.js";

/** Which session. */
export interface Session {
  readonly name: RepositoryName;
  readonly uuid: string;
  /** Its directory, which no other session has. */
  readonly key: string;
}

/** How far a session is. */
export interface SessionProgress {
  /** Bytes received and kept. */
  readonly size: number;
  readonly startedAt: Date;
}

/**
 * How a kind of storage keeps the bytes of sessions so that any process can go on with them (docs/architecture.md §Uploads
 * that any process can finish). Of the requests of one process only one at a time is at a session; what other processes do
 * meanwhile is the protocol's business. Errors are those of `UploadStore`.
 */
export interface UploadProtocol {
  start(
    session: Session,
    opened: { readonly startedAt: Date; readonly algorithm: DigestAlgorithm },
    options?: CallOptions,
  ): Promise<void>;
  /** `running` is the size that a request of this process has reached which adds bytes at the moment. */
  status(session: Session, running: number | undefined, options?: CallOptions): Promise<SessionProgress>;
  append(session: Session, body: UploadBody, turn: Turn): Promise<SessionProgress>;
  /** Resolves with the blob's size. */
  commit(session: Session, digest: Digest, body: UploadBody | undefined, turn: Turn): Promise<number>;
  /** Throws UPLOAD_UNKNOWN where {@link cancel} has nothing to end. */
  check(session: Session, options?: CallOptions): Promise<void>;
  cancel(session: Session): Promise<void>;
}

/** Sessions whose running hash and time a process remembers: some 700 bytes each. */
export const REMEMBERED_SESSIONS = 4096;
