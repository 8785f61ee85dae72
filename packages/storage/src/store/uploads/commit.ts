import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { StorageError } from "../../errors.js";
import { blobData, layerLink } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { allEnded } from "../shared/concurrent.js";
import type { Leases } from "../leases/leases.js";
import { writeLink } from "../shared/links.js";

/** A blob that is being added to the repository `name`; its bytes have been verified. */
export interface NewBlob {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

/** Where blobs are stored, and what protects them from collectors. */
export interface BlobPlace {
  readonly driver: StorageDriver;
  readonly leases: Pick<Leases, "watch" | "renew">;
}

/** Stores a new blob's bytes durably at the given path, replacing what may be there. */
export type BringBytes = (path: string) => Promise<void>;

/**
 * Stores the bytes as a blob and links it. Both become durable concurrently: if a power loss takes the bytes but not the link,
 * `stat` reports no blob, and none was acknowledged. Existing bytes are replaced: the new ones have just been verified, while
 * the old ones may have been damaged since.
 */
export async function becomeBlob(
  driver: StorageDriver,
  { name, digest }: NewBlob,
  bring: BringBytes,
  options?: CallOptions,
): Promise<void> {
  await allEnded([bring(blobData(digest)), writeLink(driver, layerLink(name, digest), digest, options)]);
}

/**
 * Protects bytes that were just stored at `path` in object storage. A collector that looked at older bytes there may be about to
 * delete the path: either it sees the lease, or the client is told to push again.
 */
export async function leaseStored({ driver, leases }: BlobPlace, path: string): Promise<void> {
  if ((await leases.watch()).isQuiet() || (await leases.renew(path))) return;
  throw new StorageError({ code: "STORAGE_UNAVAILABLE", driver: driver.name, retryAfter: 1 });
}
