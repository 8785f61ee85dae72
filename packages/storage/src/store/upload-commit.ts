import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { blobData, layerLink, uploadDirectory } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { allEnded } from "./concurrent.js";
import { orUndefined, writeLink } from "./links.js";

/** What is about to become a blob: verified, synced, and only ever open to those who have finished with it. */
export interface VerifiedUpload {
  readonly name: RepositoryName;
  readonly uuid: string;
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/**
 * Makes it the blob, links it, and removes the session. Bytes and link become durable side by side: a link whose bytes a
 * power loss takes leads nowhere, which is what `stat` says then, and nobody has been told otherwise.
 */
export async function becomeBlob(driver: StorageDriver, upload: VerifiedUpload, options?: CallOptions): Promise<void> {
  const { name, uuid, digest } = upload;
  await allEnded([storeBytes(driver, upload, options), writeLink(driver, layerLink(name, digest), digest, options)]);
  await orUndefined(driver.delete(uploadDirectory(name, uuid)));
}

/**
 * What is there in the right size stays; made durable, since another process may have put it there an instant ago. One of
 * another size is what a crash of the original left (contract §5): it is replaced.
 */
async function storeBytes(driver: StorageDriver, upload: VerifiedUpload, options?: CallOptions): Promise<void> {
  const target = blobData(upload.digest);
  const there = await orUndefined(driver.stat(target, { ...options, durable: true }));
  if (there?.size === upload.size && !there.isDirectory) return;
  await driver.move(upload.path, target, options);
}
