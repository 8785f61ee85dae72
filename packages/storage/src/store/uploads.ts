import { randomUUID } from "node:crypto";
import type { DescriptorCache } from "../contract/caches.js";
import type { StorageDriver } from "../contract/driver.js";
import { isObjectStorage } from "../contract/object-storage.js";
import type { UploadStore } from "../contract/upload-store.js";
import { uploadDirectory } from "../layout/paths.js";
import { CANONICAL_ALGORITHM } from "../model/digest.js";
import { OCTET_STREAM } from "../model/media-types.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { Leases } from "./leases.js";
import { openLeases } from "./open-leases.js";
import { createUploadLimit } from "./upload-limit.js";
import type { Session } from "./upload-protocol.js";
import { createRenamingProtocol } from "./upload-renaming.js";
import { createSegmentProtocol } from "./upload-segments.js";
import { createUploadTurns } from "./upload-turns.js";

/** The upload sessions of all repositories, as one process sees them. */
export interface Uploads {
  /** The sessions of one repository. Holds nothing. */
  store(name: RepositoryName): UploadStore;
}

export interface UploadsOptions {
  /** The most unfinished sessions of a repository, give or take a few for each process. */
  readonly sessionLimit?: number;
  readonly now?: () => Date;
  /** Told of each new blob's size. */
  readonly descriptors?: Pick<DescriptorCache, "set">;
  /** What holds on to blobs that are there already; the process's own where absent. */
  readonly leases?: Pick<Leases, "rely">;
}

const SESSION_LIMIT = 10_000;

/** Sessions over `driver` (docs/architecture.md §Uploads that any process can finish). One of these for a process. */
export function createUploads(driver: StorageDriver, options: UploadsOptions = {}): Uploads {
  const now = options.now ?? (() => new Date());
  const turns = createUploadTurns();
  const leases = options.leases ?? openLeases(driver).leases;
  const protocol = isObjectStorage(driver)
    ? createSegmentProtocol(driver, leases)
    : createRenamingProtocol(driver, leases);
  const limit = createUploadLimit(driver, options.sessionLimit ?? SESSION_LIMIT);

  const sessionOf = (name: RepositoryName, uuid: string): Session => ({ name, uuid, key: uploadDirectory(name, uuid) });

  const store = (name: RepositoryName): UploadStore => ({
    start: async (call) => {
      await limit.admit(name, call);
      const session = sessionOf(name, randomUUID());
      const startedAt = new Date(Math.floor(now().getTime() / 1000) * 1000);
      await protocol.start(session, { startedAt, algorithm: call?.algorithm ?? CANONICAL_ALGORITHM }, call);
      return { uuid: session.uuid, size: 0, startedAt };
    },
    status: async (uuid, call) => {
      const session = sessionOf(name, uuid);
      return { uuid, ...(await protocol.status(session, turns.size(session.key), call)) };
    },
    append: async (uuid, body, call) => {
      const session = sessionOf(name, uuid);
      const request = { uuid, offset: body.offset, signal: call?.signal };
      const progress = await turns.take(session.key, request, (turn) => protocol.append(session, body, turn));
      return { uuid, ...progress };
    },
    commit: async (uuid, digest, body, call) => {
      const session = sessionOf(name, uuid);
      const request = { uuid, offset: body?.offset, signal: call?.signal };
      const size = await turns.take(session.key, request, (turn) => protocol.commit(session, digest, body, turn));
      limit.release(name);
      // The manifest that comes next asks for it. When the storage wrote it nobody has looked.
      options.descriptors?.set(digest, { size, modified: 0 });
      return { mediaType: OCTET_STREAM, digest, size };
    },
    cancel: async (uuid, call) => {
      const session = sessionOf(name, uuid);
      await protocol.check(session, call);
      await turns.take(session.key, { uuid, signal: call?.signal }, () => protocol.cancel(session));
      limit.release(name);
    },
  });

  return { store };
}
