import type { CallOptions } from "../../contract/driver.js";
import type { UploadBody } from "../../contract/upload-store.js";
import type { Digest, DigestAlgorithm } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { Turn } from "./turns.js";

/** Identifies a session. */
export interface Session {
  readonly name: RepositoryName;
  readonly uuid: string;
  /** Its directory, which identifies it across repositories. */
  readonly key: string;
}

/** The progress of a session. */
export interface SessionProgress {
  /** Bytes received and stored. */
  readonly size: number;
  readonly startedAt: Date;
}

/**
 * Stores the bytes of sessions so that any process can continue them (docs/protocols/uploads.md §Uploads that any process can
 * finish). Real files are renamed (renaming.ts); object storage has segments and a state that is replaced (segments.ts).
 *
 *              append                    append, commit
 *             ┌──────┐                  ┌──────────────┐
 *             ▼      │                  ▼              │ the body breaks off: what arrived is kept
 *     start ──▶ open ───────────────▶ receiving ───────┘
 *                 │                     │         │
 *                 │ cancel, purge       │ commit  │ commit, but the digest differs
 *                 ▼                     ▼         ▼
 *              removed                blob     removed
 *
 * Callers make sure that only one request of a process works on a session at a time ({@link UploadTurns}); a protocol handles
 * requests of other processes. The newest request takes over, and the older ones fail with UPLOAD_TAKEN_OVER. Errors are those
 * of `UploadStore`.
 */
export interface UploadProtocol {
  start(
    session: Session,
    opened: { readonly startedAt: Date; readonly algorithm: DigestAlgorithm },
    options?: CallOptions,
  ): Promise<void>;
  /** `running` is the size that a request of this process has reached so far, if one is adding bytes. */
  status(session: Session, running: number | undefined, options?: CallOptions): Promise<SessionProgress>;
  append(session: Session, body: UploadBody, turn: Turn): Promise<SessionProgress>;
  /** Turns the session into the blob `digest`, and resolves to its size. */
  commit(session: Session, digest: Digest, body: UploadBody | undefined, turn: Turn): Promise<number>;
  /** Throws UPLOAD_UNKNOWN if there is no session to {@link cancel}. */
  check(session: Session, options?: CallOptions): Promise<void>;
  cancel(session: Session): Promise<void>;
}

/** How many sessions' running hashes and start times a process remembers, of some 700 bytes each. */
export const REMEMBERED_SESSIONS = 4096;
