import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { Pace } from "./compare.js";
import { median } from "./median.js";
import { anonymousMemory, cpuSeconds } from "./process-tree.js";
import { start, type Launcher } from "./servers.js";

const MIB = 1024 * 1024;
// The idle figure is taken when the start's garbage has settled.
const SETTLE_MS = 1500;

/** What one start cost: times in ms, memory in bytes. */
interface Start {
  readonly firstAnswer: number;
  /** Of all processes, until the first answer. */
  readonly cpu: number;
  /** Of all processes, idle. */
  readonly anonymous: number;
}

/** A row of the report, with its aim. */
interface Row {
  readonly name: string;
  readonly aim: number;
  readonly unit: "ms" | "MiB";
  readonly theirs: readonly number[];
  readonly ours: readonly number[];
}

/** What `--version` and starts with one and with two workers cost, in alternating rounds. */
export async function measureStart(
  launchers: { readonly theirs: Launcher; readonly ours: Launcher },
  folder: string,
  { rounds }: Pace,
): Promise<readonly Row[]> {
  const rows = new Map<
    string,
    { readonly aim: number; readonly unit: Row["unit"]; theirs: number[]; ours: number[] }
  >();
  const note = (side: "theirs" | "ours", name: string, unit: Row["unit"], aim: number, value: number): void => {
    const row = rows.get(name) ?? { aim, unit, theirs: [], ours: [] };
    row[side].push(value);
    rows.set(name, row);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const side of ["theirs", "ours"] as const) {
      const launcher = launchers[side];
      note(side, "--version", "ms", 100, await timeVersion(launcher));
      const one = await measureServe(launcher, await mkdtemp(join(folder, "one-")), 1);
      note(side, "first answer, one worker", "ms", 250, one.firstAnswer);
      note(side, "CPU until then, one worker", "ms", Number.NaN, one.cpu);
      note(side, "anonymous memory, one worker", "MiB", 45, one.anonymous / MIB);
      const two = await measureServe(launcher, await mkdtemp(join(folder, "two-")), 2);
      note(side, "first answer, two workers", "ms", 250, two.firstAnswer);
      note(side, "CPU until then, two workers", "ms", Number.NaN, two.cpu);
      note(side, "anonymous memory, two and a primary", "MiB", 110, two.anonymous / MIB);
    }
  }
  return [...rows].map(([name, row]) => ({ name, ...row }));
}

async function timeVersion({ program, args }: Launcher): Promise<number> {
  const began = performance.now();
  await promisify(execFile)(program, [...args.slice(0, -1), "--version"]);
  return performance.now() - began;
}

async function measureServe(launcher: Launcher, folder: string, workers: number): Promise<Start> {
  const began = performance.now();
  await using target = await start(launcher, folder, { REGISTRY_HTTP_WORKERS: String(workers) });
  const firstAnswer = performance.now() - began;
  const cpu = (await cpuSeconds(target.pid)) * 1000;
  await delay(SETTLE_MS);
  return { firstAnswer, cpu, anonymous: await anonymousMemory(target.pid) };
}

/** The report's lines, and whether every aim is met. */
export function formatStart(rows: readonly Row[]): { readonly text: string; readonly met: boolean } {
  const lines = rows.map(({ name, aim, unit, theirs, ours }) => {
    const own = median(ours);
    const verdict = Number.isNaN(aim) ? "" : `, aim ${aim} ${unit}: ${own <= aim ? "met" : "MISSED"}`;
    return `${name}: theirs ${describe(theirs)} ${unit}, ours ${describe(ours)} ${unit}${verdict}`;
  });
  return { text: lines.join("\n"), met: rows.every(({ aim, ours }) => !(median(ours) > aim)) };
}

function describe(values: readonly number[]): string {
  return `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`;
}
