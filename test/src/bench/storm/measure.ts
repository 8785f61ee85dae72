import { loadavg } from "node:os";
import { join } from "node:path";
import type { Pace } from "../compare.js";
import { createFixtures, pushImage } from "../fixtures.js";
import { runLoad } from "../generate.js";
import { median } from "../median.js";
import { cpuSeconds, peakMemory, type ProcessMemory } from "../process-tree.js";
import { start, type Launcher, type Target } from "../servers.js";

const MIB = 1024 * 1024;
const REPOSITORY = "bench/released";

/** Nodes that pull one image at the same moment, from replicas that share one storage. */
export const STORM = { clients: 500, replicas: 3, layers: 20, layerBytes: MIB } as const;

/** One registry's figures. */
export interface StormFigures {
  readonly name: Target["name"];
  /** From the first request to the last byte of the last client, in s, of each round. */
  readonly seconds: readonly number[];
  /** Bytes a second, all clients together: the median of the rounds. */
  readonly rate: number;
  /** CPU seconds of all replicas for one pull: the median of the rounds. */
  readonly cpu: number;
  readonly memory: readonly ProcessMemory[];
}

export interface StormReport {
  readonly figures: readonly StormFigures[];
  /** The load of the machine (`uptime`) before and after the run. */
  readonly load: readonly [number, number];
}

/** Lets every client pull the image once, in alternating rounds below `folder`. */
export async function measureStorm(
  launchers: { readonly theirs: Launcher; readonly ours: Launcher },
  folder: string,
  { rounds }: Pace,
): Promise<StormReport> {
  const before = loadavg()[0] ?? Number.NaN;
  await using theirs = await startSite(launchers.theirs, folder);
  await using ours = await startSite(launchers.ours, folder);
  const sites = [theirs, ours].map((site) => ({ ...site, rounds: new Array<Round>() }));
  for (let round = 0; round < rounds; round++) {
    for (const site of round % 2 === 0 ? sites : sites.toReversed()) site.rounds.push(await pullAll(site.replicas));
  }
  const figures = await Promise.all(
    sites.map(async ({ name, replicas, rounds: done }) => ({
      name,
      seconds: done.map(({ seconds }) => seconds),
      rate: (STORM.clients * STORM.layers * STORM.layerBytes) / median(done.map(({ seconds }) => seconds)),
      cpu: median(done.map(({ cpu }) => cpu)) / STORM.clients,
      memory: (await Promise.all(replicas.map(({ pid }) => peakMemory(pid)))).flat(),
    })),
  );
  return { figures, load: [before, loadavg()[0] ?? Number.NaN] };
}

/** Replicas over one storage, with the image in it. */
interface Site extends AsyncDisposable {
  readonly name: Target["name"];
  readonly replicas: readonly Target[];
}

async function startSite(launcher: Launcher, folder: string): Promise<Site> {
  const replicas: Target[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(replicas.map((replica) => replica[Symbol.asyncDispose]()));
  };
  const data = join(folder, `${launcher.name}-data`);
  try {
    for (let index = 0; index < STORM.replicas; index++) {
      const environment = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: data, ...launcher.alone };
      const replica = await start(launcher, join(folder, `replica-${index}`), environment);
      replicas.push(replica);
      if (index > 0) continue;
      await pushImage(replica, REPOSITORY, "latest", createFixtures({ layers: STORM.layers, size: STORM.layerBytes }));
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return { name: launcher.name, replicas, [Symbol.asyncDispose]: dispose };
}

interface Round {
  readonly seconds: number;
  /** CPU seconds of all replicas. */
  readonly cpu: number;
}

async function pullAll(replicas: readonly Target[]): Promise<Round> {
  const cpuOfAll = async (): Promise<number> =>
    (await Promise.all(replicas.map(({ pid }) => cpuSeconds(pid)))).reduce((sum, each) => sum + each, 0);
  const before = await cpuOfAll();
  const results = await Promise.all(
    replicas.map(({ origin }, index) => {
      // As a balancer would share them out.
      const clients = Math.floor((STORM.clients + index) / replicas.length);
      return runLoad({ kind: "pull", origin, repository: REPOSITORY, tag: "latest", clients });
    }),
  );
  return { seconds: Math.max(...results.map(({ seconds }) => seconds)), cpu: (await cpuOfAll()) - before };
}
