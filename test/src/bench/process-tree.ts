import { readdir, readFile, writeFile } from "node:fs/promises";

// proc(5): times in /proc/<pid>/stat count in USER_HZ, which Linux fixes at 100 for user space on every architecture Node runs on.
const TICKS_PER_SECOND = 100;

/** One process of a server: its id, what it is called and the most memory it has had resident, in bytes. */
export interface ProcessMemory {
  readonly pid: number;
  readonly peakBytes: number;
}

interface Stat {
  readonly parent: number;
  /** User and system time of the process and of its children that have ended. */
  readonly ticks: number;
}

/** CPU seconds (user and system) that a process and all below it have used so far. */
export async function cpuSeconds(root: number): Promise<number> {
  const tree = await readTree(root);
  return tree.reduce((sum, [, stat]) => sum + stat.ticks, 0) / TICKS_PER_SECOND;
}

/** The peak resident memory of a process and of each below it, since the start or the last {@link resetPeaks}. */
export async function peakMemory(root: number): Promise<readonly ProcessMemory[]> {
  const tree = await readTree(root);
  const peaks = await Promise.all(tree.map(async ([pid]) => ({ pid, peakBytes: await highWaterMark(pid) })));
  return peaks.filter((peak) => peak.peakBytes > 0);
}

/** The memory that a process and all below it have for themselves: resident, and of no file. In bytes. */
export async function anonymousMemory(root: number): Promise<number> {
  const sizes = await Promise.all((await readTree(root)).map(([pid]) => anonymousOf(pid)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Starts the peaks anew from what is resident now. */
export async function resetPeaks(root: number): Promise<void> {
  // proc(5): 5 resets the peak resident set size (VmHWM) to the current value.
  await Promise.all((await readTree(root)).map(([pid]) => writeFile(`/proc/${pid}/clear_refs`, "5")));
}

async function readTree(root: number): Promise<readonly (readonly [number, Stat])[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => Number.isInteger(pid));
  const stats = new Map<number, Stat>();
  for (const [pid, stat] of await Promise.all(pids.map(async (pid) => [pid, await readStat(pid)] as const))) {
    if (stat !== undefined) {
      stats.set(pid, stat);
    }
  }
  return [...stats].filter(([pid]) => isBelow(pid, root, stats));
}

function isBelow(pid: number, root: number, stats: ReadonlyMap<number, Stat>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at !== 0; at = stats.get(at)?.parent) {
    if (at === root) {
      return true;
    }
  }
  return false;
}

async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readIfThere(`/proc/${pid}/stat`);
  if (text === undefined) {
    return undefined;
  }
  // The command's name stands in parentheses and may hold anything: count the fields from behind it. The first is field 3.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) };
}

async function highWaterMark(pid: number): Promise<number> {
  const text = (await readIfThere(`/proc/${pid}/status`)) ?? "";
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

async function anonymousOf(pid: number): Promise<number> {
  const text = (await readIfThere(`/proc/${pid}/smaps_rollup`)) ?? "";
  return Number(/^Anonymous:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Processes come and go while the list is read. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
