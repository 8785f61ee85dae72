import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Collections of one machine that may go on with different directories at the same time. */
const PLACES = 16;

/** A place for work files that no other collection of this machine uses. */
export interface WorkDirectory {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * A place below `base` for one collection: the first that nobody uses, so that what an interrupted collection left is found
 * again. Throws where there is none.
 */
export async function claimWorkDirectory(base: string): Promise<WorkDirectory> {
  await mkdir(base, { recursive: true });
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
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      if (await isInUse(lock)) return false;
      await rm(lock, { force: true });
    }
  }
  return false;
}

/** Whether the process that claimed it still runs. */
async function isInUse(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
