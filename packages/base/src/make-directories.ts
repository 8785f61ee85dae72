import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { hasErrno } from "./errno.js";

/** How often in a row another process may remove a directory before its child is created. */
const ATTEMPTS = 5;

/**
 * Creates `path` and its missing parents, one after the other. Node's recursive mkdir never returns if a parent exists
 * and nothing can be created in it, such as below /proc, and hides the reason on a read-only file system. Rejects with the
 * system's error.
 */
export async function makeDirectories(path: string, mode?: number): Promise<void> {
  const absolute = resolve(path);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await mkdir(absolute, { mode });
      return;
    } catch (error) {
      if (await isDirectory(absolute)) return;
      const parent = dirname(absolute);
      if (!hasErrno(error, "ENOENT") || parent === absolute || attempt >= ATTEMPTS) throw error;
      await makeDirectories(parent, mode);
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
