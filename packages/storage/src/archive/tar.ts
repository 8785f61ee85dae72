import { mkdir } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ArchiveSink } from "./archive-store.js";

/** What a restore needs: blobs and repositories. No component is `.` or `..`. */
const WANTED = /^docker\/registry\/v2\/(?:blobs|repositories)(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/;

/**
 * Writes the files that `fill` adds to `output` as a tar, and ends it. Some 8 MiB are buffered at most. If `fill` throws, the
 * tar isn't completed, `output` is destroyed, and the error is thrown.
 */
export async function writeTar<T>(output: Writable, fill: (sink: ArchiveSink) => Promise<T>): Promise<T> {
  const { createTarPacker } = await import("modern-tar");
  const { readable, controller } = createTarPacker();
  const sent = pipeline(Readable.fromWeb(readable), output);
  sent.catch((error: unknown) => controller.error(error));
  const add: ArchiveSink["add"] = async (path, size, bytes) => {
    const writer = controller.add({ name: path.slice(1), size, mode: 0o644 }).getWriter();
    // Aborting the entry ends the whole archive, whose error is the one that counts.
    writer.closed.catch(() => undefined);
    for await (const chunk of bytes) await writer.write(Uint8Array.from(chunk));
    await writer.close();
  };
  try {
    const result = await fill({ add });
    controller.finalize();
    await sent;
    return result;
  } catch (error) {
    controller.error(error);
    await sent.catch(() => undefined);
    throw error;
  }
}

/**
 * Unpacks the blobs and repositories of a tar into `folder`, verifying nothing but the tar's own checksums; other files are
 * passed over. Throws if the tar is cut off or damaged, or has links, which a restore can't follow.
 */
export async function unpackTar(input: Readable, folder: string, signal: AbortSignal): Promise<void> {
  const { createTarDecoder } = await import("modern-tar");
  const decoder = createTarDecoder({ strict: true });
  const sent = Readable.toWeb(input).pipeTo(decoder.writable, { signal });
  sent.catch(() => undefined);
  try {
    for await (const { header, body } of decoder.readable) {
      const path = header.name.replace(/^(?:\.?\/)+/, "");
      const type = header.type ?? "file";
      if (!WANTED.test(path) || type === "directory") {
        await body.cancel();
        continue;
      }
      if (type !== "file") throw new Error(`${header.name} in the tar is a ${type}; a restore only takes files`);
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true });
      await pipeline(Readable.fromWeb(body), createWriteStream(target), { signal });
    }
    await sent;
  } finally {
    // Also when something in it is refused, so that nobody waits for the rest.
    input.destroy();
  }
}
