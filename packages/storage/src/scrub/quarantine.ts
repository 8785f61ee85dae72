import { randomUUID } from "node:crypto";
import type { FileInfo, StorageDriver } from "../contract/driver.js";
import { blobData } from "../layout/paths.js";
import { quarantinePath } from "../layout/upkeep-files.js";
import { createDigester, splitDigest, type Digest } from "../model/digest.js";
import { orUndefined } from "../store/shared/links.js";
import type { Scrub } from "./run.js";

/**
 * Moves the damaged bytes of `digest`, which `info` describes, aside, and returns whether it did. For real files: the move is
 * atomic, and what was moved is looked at. If a push has replaced the bytes meanwhile by sound ones, they are put back; until
 * then the blob is missing, which a push that needs it notices.
 */
export async function quarantineBlob({ driver, options }: Scrub, digest: Digest, info: FileInfo): Promise<boolean> {
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
