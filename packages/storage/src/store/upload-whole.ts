import type { FileWriter } from "../contract/driver.js";
import type { UploadBody } from "../contract/upload-store.js";
import { isStorageError, StorageError } from "../errors.js";
import { blobData } from "../layout/paths.js";
import { createDigester, splitDigest, type Digest } from "../model/digest.js";
import { becomeBlob, isStored, type BlobPlace } from "./upload-commit.js";
import type { Session } from "./upload-protocol.js";
import { receive } from "./upload-receive.js";
import type { Turn } from "./upload-turns.js";

/** A body that brings a whole blob, of an announced length. */
export interface WholeBody extends UploadBody {
  readonly length: number;
}

/**
 * Writes a blob that comes in one body under its own path, where nothing is seen of it before it is complete and verified:
 * no second copy is made, as there is of segments. Of one that is there already the bytes are only verified. What broke off
 * leaves nothing. Throws DIGEST_MISMATCH, UPLOAD_SIZE_INVALID.
 */
export async function storeWhole(
  place: BlobPlace,
  { name, uuid }: Session,
  wanted: Digest,
  body: WholeBody,
  turn: Turn,
): Promise<void> {
  const { driver } = place;
  const blob = { name, digest: wanted, size: body.length };
  const digester = createDigester(splitDigest(wanted).algorithm);
  const isThere = await isStored(place, blob, { signal: turn.signal });
  const writer = isThere ? NOWHERE : await driver.writer(blobData(wanted), { signal: turn.signal });
  try {
    // With the signal: nothing of a body that breaks off is kept, so that nobody waits for memory for it.
    const write = (chunk: Uint8Array): Promise<void> => writer.write(chunk, { signal: turn.signal });
    await receive(uuid, body, { write }, digester, turn.signal);
    const actual = digester.current();
    if (actual !== wanted) throw new StorageError({ code: "DIGEST_MISMATCH", expected: wanted, actual });
    // From here on nothing ends it half way: no signal.
    const bring = (): Promise<void> => {
      // Told to push again, the client finds that it is to send the bytes.
      if (isThere) throw new StorageError({ code: "STORAGE_UNAVAILABLE", driver: driver.name, retryAfter: 1 });
      return writer.commit();
    };
    await becomeBlob(place, blob, bring, { isMissing: !isThere });
  } catch (error) {
    await dropped(writer);
    throw error;
  }
}

/** Where the bytes of a blob go that is there already. */
const NOWHERE: Pick<FileWriter, "write" | "commit" | "cancel"> = {
  write: () => Promise.resolve(),
  commit: () => Promise.resolve(),
  cancel: () => Promise.resolve(),
};

/** Where that fails the parts stay, until uploads are purged. What went wrong before is what is told. */
async function dropped(writer: Pick<FileWriter, "cancel">): Promise<void> {
  try {
    await writer.cancel();
  } catch (error) {
    if (!isStorageError(error)) throw error;
  }
}
