import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

/** Readable by its owner alone: events say who does what. */
export const FILE_MODE = 0o600;
export const DIRECTORY_MODE = 0o700;

/** Makes names in `directory` survive a power loss. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes all of `bytes` at `position`. */
export async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.byteLength - written, position + written);
    written += bytesWritten;
  }
}

/** Reads up to `length` bytes at `position`: fewer only at the end of the file. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Creates a file that exists with all of its bytes, durably, or not at all. `temporary` is in the same directory. */
export async function writeWhole(temporary: string, path: string, bytes: Buffer): Promise<void> {
  try {
    await writeSynced(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    // On a full disk, many would accumulate.
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(path));
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(path, "w", FILE_MODE);
  try {
    await writeAt(handle, bytes, 0);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
