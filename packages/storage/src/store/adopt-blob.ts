import type { ByteRange, CallOptions, ContentStream, StorageDriver } from "../contract/driver.js";
import { blobData } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import { renewFile } from "./leases/open-leases.js";
import { orUndefined } from "./shared/links.js";
import { becomeBlob, type NewBlob } from "./uploads/commit.js";

/**
 * Moves the complete file at `path`, whose bytes the caller has verified and synced, to the blob `digest` of the repository
 * `name`, without copying it: for storage that can rename. Durable when it resolves.
 */
export async function adoptBlob(driver: StorageDriver, blob: NewBlob, path: string): Promise<void> {
  await becomeBlob(driver, blob, async (target) => {
    // Its last byte may have been written long ago; as a blob it is new, and a collector must see that.
    await renewFile(driver, path);
    await driver.move(path, target);
  });
}

/** The bytes that the storage has under `digest`, whichever repository they belong to; undefined: none. */
export async function sizeOfBytes(
  driver: StorageDriver,
  digest: Digest,
  options?: CallOptions,
): Promise<number | undefined> {
  const info = await orUndefined(driver.stat(blobData(digest), { ...options, fileOnly: true }));
  return info === undefined || info.isDirectory || info.size === 0 ? undefined : info.size;
}

/** Opens the bytes that the storage has under `digest`, whichever repository they belong to. No client may get them for that. */
export function openBytes(
  driver: StorageDriver,
  digest: Digest,
  options?: ByteRange & CallOptions,
): Promise<ContentStream> {
  return driver.open(blobData(digest), options);
}
