import { loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { createFixtures } from "./fixtures.js";
import { planGroup, type Group, type Operation } from "./operations.js";
import { cpuSeconds, peakMemory, type ProcessMemory } from "./process-tree.js";
import { startLimit } from "./limit.js";
import { start, type Launcher, type Target } from "./servers.js";
import { median } from "./median.js";

/** One registry's figures for one operation over all rounds. */
interface Figures {
  /** Operations a second: the median of the rounds. */
  readonly rate: number;
  /** CPU seconds an operation: the median of the rounds. */
  readonly cpu: number;
  /** The slowest and the fastest round, operations a second. */
  readonly spread: readonly [number, number];
}

export interface Comparison {
  readonly operation: Operation;
  readonly theirs: Figures;
  readonly ours: Figures;
  /** A bare server of Node that gives the same answer; undefined for operations that change anything. */
  readonly limit: Figures | undefined;
  /** How many processes waited for a processor or a disk, on average over the last minute (`uptime`). */
  readonly load: number;
}

export interface GroupReport {
  readonly comparisons: readonly Comparison[];
  /** By registry: each of its processes at the group's end. */
  readonly memory: ReadonlyMap<Target["name"], readonly ProcessMemory[]>;
}

export interface Pace {
  readonly rounds: number;
  /** How long a timed load runs. */
  readonly seconds: number;
}

/** What an operation runs against. */
type Measured = Pick<Target, "name" | "pid" | "origin" | "root">;

interface Sample {
  readonly rate: number;
  readonly cpu: number;
}

const WARM_UP_SECONDS = 1;
// CPU time is counted in hundredths of a second, and a server finishes work after its last answer (logs, unlinking).
const SETTLE_MS = 50;

/** Runs a group's operations on both registries in alternating rounds below `folder`; every other round the order is the other way round. */
export async function compareGroup(
  group: Group,
  launchers: { readonly theirs: Launcher; readonly ours: Launcher },
  folder: string,
  pace: Pace,
): Promise<GroupReport> {
  await using theirs = await start(launchers.theirs, folder);
  await using ours = await start(launchers.ours, folder);
  const plan = planGroup(group);
  const fixtures = createFixtures();
  for (const target of [theirs, ours]) {
    await plan.prepare(target, fixtures);
  }
  const questions = plan.operations.flatMap(({ question }) => (question === undefined ? [] : [question(fixtures)]));
  await using limit = questions.length === 0 ? undefined : await startLimit(ours, questions, folder);
  const bare: Measured | undefined = limit === undefined ? undefined : { ...ours, ...limit };
  const comparisons: Comparison[] = [];
  for (const operation of plan.operations) {
    const targets = operation.question === undefined || bare === undefined ? [theirs, ours] : [theirs, ours, bare];
    const samples = new Map(targets.map((target): [Measured, Sample[]] => [target, []]));
    if (operation.bytes === undefined) {
      for (const target of targets) {
        await operation.run(target, fixtures, WARM_UP_SECONDS);
      }
    }
    for (let round = 0; round < pace.rounds; round++) {
      for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
        const before = await cpuSeconds(target.pid);
        const result = await operation.run(target, fixtures, pace.seconds);
        await delay(SETTLE_MS);
        const cpu = ((await cpuSeconds(target.pid)) - before) / result.operations;
        samples.get(target)?.push({ rate: result.operations / result.seconds, cpu });
      }
    }
    const [load = 0] = loadavg();
    comparisons.push({
      operation,
      theirs: summarise(samples.get(theirs)),
      ours: summarise(samples.get(ours)),
      limit: bare !== undefined && samples.has(bare) ? summarise(samples.get(bare)) : undefined,
      load,
    });
  }
  const memory = new Map<Target["name"], readonly ProcessMemory[]>();
  for (const target of [theirs, ours]) {
    memory.set(target.name, await peakMemory(target.pid));
  }
  return { comparisons, memory };
}

function summarise(samples: readonly Sample[] = []): Figures {
  const rates = samples.map((sample) => sample.rate);
  return {
    rate: median(rates),
    cpu: median(samples.map((sample) => sample.cpu)),
    spread: [Math.min(...rates), Math.max(...rates)],
  };
}
