import type { FileWriter } from "../../contract/driver.js";
import type { UploadBody } from "../../contract/upload-store.js";
import { isStorageError, StorageError } from "../../errors.js";
import { blobData } from "../../layout/paths.js";
import { createDigester, splitDigest, type Digest } from "../../model/digest.js";
import { becomeBlob, leaseStored, type BlobPlace } from "./commit.js";
import type { Session } from "./protocol.js";
import { receive } from "./receive.js";
import type { Turn } from "./turns.js";

/** A body that contains a whole blob, with its length announced. */
export interface WholeBody extends UploadBody {
  readonly length: number;
}

/**
 * Writes a blob that arrives in one body directly to the blob's path, where it becomes visible once it is complete and verified:
 * unlike with segments, the bytes aren't stored twice. A body that breaks off leaves nothing behind. Throws DIGEST_MISMATCH,
 * UPLOAD_SIZE_INVALID.
 */
export async function storeWhole(
  place: BlobPlace,
  { name, uuid }: Session,
  wanted: Digest,
  body: WholeBody,
  turn: Turn,
): Promise<void> {
  const { driver } = place;
  const writer = await driver.writer(blobData(wanted), { signal: turn.signal });
  try {
    const digester = createDigester(splitDigest(wanted).algorithm);
    // With the signal: nothing is kept if the body breaks off, so there is no reason to wait for buffer memory.
    const write = (chunk: Uint8Array): Promise<void> => writer.write(chunk, { signal: turn.signal });
    await receive(uuid, body, { write }, digester, turn.signal);
    const actual = digester.current();
    if (actual !== wanted) throw new StorageError({ code: "DIGEST_MISMATCH", expected: wanted, actual });
  } catch (error) {
    await cancelQuietly(writer);
    throw error;
  }
  // From here on without a signal: nothing may stop it half way.
  await becomeBlob(driver, { name, digest: wanted }, async (path) => {
    await writer.commit();
    await leaseStored(place, path);
  });
}

/** If this fails, the parts stay until uploads are purged; the earlier failure is reported. */
async function cancelQuietly(writer: Pick<FileWriter, "cancel">): Promise<void> {
  try {
    await writer.cancel();
  } catch (error) {
    if (!isStorageError(error)) throw error;
  }
}
