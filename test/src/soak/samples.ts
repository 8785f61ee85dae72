import { readdir, readFile } from "node:fs/promises";

/** What a registry's processes hold at one moment. */
export interface Sample {
  /** Since the start, in s. */
  readonly at: number;
  /** Resident memory of each process, in MiB: the primary's, then its workers'. */
  readonly memory: readonly number[];
  /** Open descriptors of all processes. */
  readonly descriptors: number;
}

/** The process and its children, which a registry's workers are. */
export async function processesOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [pid, ...children.trim().split(/\s+/).filter(Boolean).map(Number)];
}

/** Reads `/proc` of each process. */
export async function takeSample(pids: readonly number[], at: number): Promise<Sample> {
  const memory = await Promise.all(pids.map(residentMemory));
  const counts = await Promise.all(pids.map(async (pid) => (await readdir(`/proc/${pid}/fd`)).length));
  return { at, memory, descriptors: counts.reduce((sum, count) => sum + count, 0) };
}

async function residentMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

/**
 * By how much the floor rises from the first half of the values to the second: what is resident swings by tens of MiB with the
 * heap's collections, but comes down to what is held.
 */
export function riseOf(values: readonly number[]): number {
  const middle = Math.floor(values.length / 2);
  return Math.min(...values.slice(middle)) - Math.min(...values.slice(0, middle));
}
