import { setTimeout as delay } from "node:timers/promises";
import { runLoad } from "./generate.js";
import type { LoadResult } from "./load/job.js";
import { peakMemory, resetPeaks, type ProcessMemory } from "./process-tree.js";
import { start, type Launcher } from "./servers.js";

const CONCURRENT = 64;
const MIB = 1024 * 1024;
const BLOB_SIZE = 256 * MIB;
const REPOSITORY = "bench/memory";
// The idle figure is taken when the start's garbage has settled.
const SETTLE_MS = 1000;

/** What one worker may have resident while everything is in flight. */
export const MEMORY_LIMIT = 300 * MIB;

/** One phase: how fast it went and the peak of every process of the registry. */
export interface MemoryPhase {
  readonly name: string;
  readonly bytesPerSecond: number;
  readonly processes: readonly ProcessMemory[];
}

/** 64 pushes of 256 MiB at once, then 64 pulls of them at once, against one registry; needs 16 GiB below `folder`. */
export async function measureMemory(launcher: Launcher, folder: string): Promise<readonly MemoryPhase[]> {
  await using target = await start(launcher, folder);
  await delay(SETTLE_MS);
  const idle: MemoryPhase = { name: "idle", bytesPerSecond: 0, processes: await peakMemory(target.pid) };
  const phase = async (name: string, load: () => Promise<LoadResult>): Promise<[MemoryPhase, LoadResult]> => {
    await resetPeaks(target.pid);
    const result = await load();
    const bytesPerSecond = (result.operations * BLOB_SIZE) / result.seconds;
    return [{ name, bytesPerSecond, processes: await peakMemory(target.pid) }, result];
  };
  const [pushes, pushed] = await phase(`${CONCURRENT} pushes of 256 MiB`, () =>
    runLoad({
      kind: "push",
      origin: target.origin,
      repository: REPOSITORY,
      how: "patch",
      size: BLOB_SIZE,
      connections: CONCURRENT,
      limit: { count: CONCURRENT },
    }),
  );
  const urls = pushed.digests.map((digest) => `${target.origin}/v2/${REPOSITORY}/blobs/${digest}`);
  const [pulls] = await phase(`${CONCURRENT} pulls of 256 MiB`, () => runLoad({ kind: "download", urls }));
  return [idle, pushes, pulls];
}
