import { hasErrno } from "@longshore/base/errno";
import { makeDirectories } from "@longshore/base/make-directories";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How many collections on one machine may run at the same time. */
const PLACES = 16;

/** A place for work files that no other collection of this machine uses. */
export interface WorkDirectory {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Claims a directory below `base` for one collection: the first unused one, so that leftovers of interrupted collections don't
 * accumulate. Throws if there is none.
 */
export async function claimWorkDirectory(base: string): Promise<WorkDirectory> {
  await makeDirectories(base);
  for (let number = 1; number <= PLACES; number += 1) {
    const lock = join(base, `${number}.lock`);
    if (!(await claim(lock))) continue;
    return { path: join(base, String(number)), release: () => rm(lock, { force: true }) };
  }
  throw new Error(`${PLACES} collections use ${base} already`);
}

async function claim(lock: string): Promise<boolean> {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      return true;
    } catch (error) {
      if (!hasErrno(error, "EEXIST")) throw error;
      if (await isInUse(lock)) return false;
      await rm(lock, { force: true });
    }
  }
  return false;
}

/** Whether the process that claimed it is still running. */
async function isInUse(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrno(error, "EPERM");
  }
}
