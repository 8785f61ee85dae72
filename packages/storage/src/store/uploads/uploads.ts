import { randomUUID } from "node:crypto";
import type { DescriptorCache } from "../../contract/caches.js";
import type { StorageDriver } from "../../contract/driver.js";
import { isObjectStorage } from "../../contract/object-storage.js";
import type { UploadStore } from "../../contract/upload-store.js";
import { uploadDirectory } from "../../layout/paths.js";
import { CANONICAL_ALGORITHM } from "../../model/digest.js";
import { OCTET_STREAM } from "../../model/media-types.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { Leases } from "../leases/leases.js";
import { openLeases } from "../leases/open-leases.js";
import { createUploadLimit } from "./limit.js";
import type { Session } from "./protocol.js";
import { createRenamingProtocol } from "./renaming.js";
import { createSegmentProtocol } from "./segments.js";
import { createUploadTurns } from "./turns.js";

/** The upload sessions of all repositories. */
export interface Uploads {
  /** The sessions of one repository. Cheap, and holds nothing open. */
  store(name: RepositoryName): UploadStore;
}

export interface UploadsOptions {
  /** How many unfinished sessions a repository may have; each additional process may exceed it by a few. */
  readonly sessionLimit?: number;
  readonly now?: () => Date;
  /** Notified of each new blob's size. */
  readonly descriptors?: Pick<DescriptorCache, "set">;
  /** Protects blobs that are pushed during a collection; by default the leases of this process. */
  readonly leases?: Pick<Leases, "watch" | "renew">;
}

const SESSION_LIMIT = 10_000;

/** The sessions over `driver` (docs/protocols/uploads.md §Uploads that any process can finish). Create it once in a process. */
export function createUploads(driver: StorageDriver, options: UploadsOptions = {}): Uploads {
  const now = options.now ?? (() => new Date());
  const turns = createUploadTurns();
  const leases = options.leases ?? openLeases(driver).leases;
  const protocol = isObjectStorage(driver) ? createSegmentProtocol(driver, leases) : createRenamingProtocol(driver);
  const limit = createUploadLimit(driver, options.sessionLimit ?? SESSION_LIMIT);

  const sessionOf = (name: RepositoryName, uuid: string): Session => ({ name, uuid, key: uploadDirectory(name, uuid) });

  const store = (name: RepositoryName): UploadStore => ({
    start: async (call) => {
      const session = sessionOf(name, randomUUID());
      const startedAt = new Date(Math.floor(now().getTime() / 1000) * 1000);
      const algorithm = call?.algorithm ?? CANONICAL_ALGORITHM;
      await limit.admit(name, session.uuid, () => protocol.start(session, { startedAt, algorithm }, call), call);
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
      limit.release(name, uuid);
      // The manifest that follows will need it. The modification time in the storage isn't known.
      options.descriptors?.set(digest, { size, modified: 0 });
      return { mediaType: OCTET_STREAM, digest, size };
    },
    cancel: async (uuid, call) => {
      const session = sessionOf(name, uuid);
      await protocol.check(session, call);
      await turns.take(session.key, { uuid, signal: call?.signal }, () => protocol.cancel(session));
      limit.release(name, uuid);
    },
  });

  return { store };
}
