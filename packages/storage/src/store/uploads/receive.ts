import { abortable } from "@longshore/base/abort";
import type { FileWriter } from "../../contract/driver.js";
import type { UploadBody } from "../../contract/upload-store.js";
import { StorageError } from "../../errors.js";
import type { Digester } from "../../model/digest.js";

/**
 * Writes the bytes of a body, and hashes each chunk while it is being written. Resolves when the body ends; rejects if it breaks
 * off, or with the reason of `signal`. The bytes that arrived before have reached both `writer` and `digester`, unless the writer
 * itself failed. Bytes beyond the announced length are not accepted.
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
    // Not awaited: a generator that is waiting for its source would never return.
    if (!ended) iterator.return?.().catch(() => undefined);
  }
  if (body.length !== undefined && received !== body.length) {
    throw new StorageError({ code: "UPLOAD_SIZE_INVALID", uuid, expected: body.length, actual: received });
  }
}
