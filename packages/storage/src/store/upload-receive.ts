import { abortable } from "../abort.js";
import type { FileWriter } from "../contract/driver.js";
import type { UploadBody } from "../contract/upload-store.js";
import { StorageError } from "../errors.js";
import type { Digester } from "../model/digest.js";

/**
 * Writes a body's bytes, hashing each chunk while the one before is on its way to the disk. Returns when the body ends;
 * throws what broke it off, or the reason of `signal`. What came before that is with `writer` and `digester` alike, unless
 * the writer itself failed. More bytes than announced are not taken.
 */
export async function receive(
  uuid: string,
  body: UploadBody,
  writer: Pick<FileWriter, "write">,
  digester: Digester | undefined,
  signal: AbortSignal,
): Promise<void> {
  const iterator = body.bytes[Symbol.asyncIterator]();
  let received = 0;
  let ended = false;
  try {
    for (;;) {
      const next = await abortable(Promise.resolve(iterator.next()), signal);
      if (next.done === true) break;
      const rest = body.length === undefined ? Infinity : body.length - received;
      received += next.value.length;
      const chunk = next.value.length > rest ? next.value.subarray(0, rest) : next.value;
      const written = writer.write(chunk);
      digester?.update(chunk);
      await written;
      if (received > (body.length ?? Infinity)) break;
    }
    ended = true;
  } finally {
    // Not awaited: a generator that waits for its source would never come back from it.
    if (!ended) iterator.return?.().catch(() => undefined);
  }
  if (body.length !== undefined && received !== body.length) {
    throw new StorageError({ code: "UPLOAD_SIZE_INVALID", uuid, expected: body.length, actual: received });
  }
}
