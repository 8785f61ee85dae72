import { randomUUID } from "node:crypto";
import { canTouch, type FileInfo, type StorageDriver } from "../contract/driver.js";
import { isObjectStorage, type ObjectStorage } from "../contract/object-storage.js";
import { blobData } from "../layout/paths.js";
import { quarantinePath } from "../layout/upkeep-files.js";
import { createDigester, splitDigest, type Digest } from "../model/digest.js";
import { replacesConditionally } from "../store/conditional-writes.js";
import { copyObject } from "../store/leases/hidden-objects.js";
import { orUndefined } from "../store/shared/links.js";
import type { Scrub } from "./run.js";

/** Nothing can be moved aside: a push of the same blob at that moment would be lost. */
export class QuarantineError extends Error {
  override readonly name = "QuarantineError";

  constructor() {
    super(
      "this object storage doesn't support conditional writes (If-Match), without which damaged blobs can't be moved aside " +
        "while registries push; scrub without quarantine",
    );
  }
}

/** Throws QuarantineError if damaged blobs can't be moved aside on this storage. */
export async function requireQuarantine(driver: StorageDriver): Promise<void> {
  if (canTouch(driver) || (isObjectStorage(driver) && (await replacesConditionally(driver)))) return;
  throw new QuarantineError();
}

/** Moves the damaged bytes of `digest`, which `info` describes, aside, and returns whether it did. */
export function quarantineBlob(scrub: Scrub, digest: Digest, info: FileInfo): Promise<boolean> {
  const { driver } = scrub;
  if (!canTouch(driver) && isObjectStorage(driver)) return emptyBlob(driver, scrub, digest, info);
  return moveBlob(scrub, digest, info);
}

/**
 * Copies the damaged bytes aside, and replaces them by none, on condition that they haven't been replaced: so a push can't lose what
 * it writes at the same time. An empty file is no blob for any process.
 */
async function emptyBlob(
  driver: StorageDriver & ObjectStorage,
  { options }: Scrub,
  digest: Digest,
  { version }: FileInfo,
): Promise<boolean> {
  if (version === undefined) return false;
  const path = blobData(digest);
  const aside = quarantinePath(digest, randomUUID());
  if (!(await copyObject(driver, path, aside))) return false;
  const { written } = await driver.writeVersioned(path, new Uint8Array(0), version);
  if (written) options.descriptors?.delete(digest);
  else await orUndefined(driver.delete(aside, { fileOnly: true }));
  return written;
}

/**
 * For real files: the move is atomic, and what was moved is looked at. If a push has replaced the bytes meanwhile by sound ones, they
 * are put back; until then the blob is missing, which a push that needs it notices.
 */
async function moveBlob({ driver, options }: Scrub, digest: Digest, info: FileInfo): Promise<boolean> {
  const path = blobData(digest);
  const aside = quarantinePath(digest, randomUUID());
  const moved = await orUndefined(driver.move(path, aside).then(() => true));
  if (moved === undefined) return false;
  options.descriptors?.delete(digest);
  const now = await orUndefined(driver.stat(aside, { fileOnly: true }));
  const isSame = now?.size === info.size && now.modified.getTime() === info.modified.getTime();
  if (isSame || (await isSound(driver, aside, digest)) !== true) return true;
  await driver.move(aside, path);
  return false;
}

/** Whether the bytes at `path` are those of `digest`; undefined if there are none. */
async function isSound(driver: StorageDriver, path: string, digest: Digest): Promise<boolean | undefined> {
  const stream = await orUndefined(driver.open(path));
  if (stream === undefined) return undefined;
  const digester = createDigester(splitDigest(digest).algorithm);
  try {
    for await (const chunk of stream) digester.update(chunk);
  } finally {
    await stream.close();
  }
  return digester.current() === digest;
}
