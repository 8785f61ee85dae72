import { z } from "zod";
import { createFilesystemDriver } from "../../../src/drivers/filesystem/driver.js";
import { parseRepositoryName } from "../../../src/model/repository-name.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { isStorageError } from "../../../src/errors.js";

/*
 * A separate process that appends to a session what its parent sends: `{ chunk: <base64> }`, `{ end: true }`. It answers
 * `ready` once the append has begun, and `{ size }` or `{ code }` when it has ended.
 */
const [, , root = "", name = "", uuid = "", offset = "0"] = process.argv;
const message = z.union([z.object({ chunk: z.base64() }), z.object({ end: z.literal(true) })]);

const chunks: (Uint8Array | undefined)[] = [];
let wake = (): void => undefined;
process.on("message", (data) => {
  const parsed = message.parse(data);
  chunks.push("chunk" in parsed ? Buffer.from(parsed.chunk, "base64") : undefined);
  wake();
});

async function* body(): AsyncGenerator<Uint8Array> {
  process.send?.("ready");
  for (;;) {
    while (chunks.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const chunk = chunks.shift();
    if (chunk === undefined) return;
    yield chunk;
  }
}

const driver = createFilesystemDriver({ rootdirectory: root, buffersize: 64 * 1024 });
const uploads = createUploads(driver).store(parseRepositoryName(name));
try {
  const { size } = await uploads.append(uuid, { bytes: body(), offset: Number(offset) });
  process.send?.({ size });
} catch (error) {
  process.send?.({ code: isStorageError(error) ? error.code : String(error) });
}
process.disconnect();
