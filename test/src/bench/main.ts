import { execFile } from "node:child_process";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { measureAuth } from "./auth/measure.js";
import { formatAuthReport } from "./auth/report.js";
import { compareGroup, type Pace } from "./compare.js";
import { formatConsole, measureConsole } from "./console.js";
import { findBroken, GUARDED } from "./guard.js";
import { compareCollections, formatCollections } from "./gc/measure.js";
import { formatLists, measureLists } from "./lists.js";
import { measureMemory, MEMORY_LIMIT } from "./memory.js";
import { measureMirror } from "./mirror/measure.js";
import { formatMirrorReport } from "./mirror/report.js";
import { GROUPS, type Group } from "./operations.js";
import { BenchRefused, programPath, requirePrograms } from "./programs.js";
import { ours, theirs, type Launcher } from "./servers.js";
import { measureS3 } from "./s3/measure.js";
import { formatS3Report } from "./s3/report.js";
import { measureStorm } from "./storm/measure.js";
import { formatStormReport } from "./storm/report.js";
import { figuresOf, formatMemory, formatReport } from "./table.js";
import { formatStart, measureStart } from "./start.js";
import { measureTokens } from "./tokens/measure.js";
import { formatTokenReport } from "./tokens/report.js";

/** The groups that run only when they are named. */
const OTHER_GROUPS = ["auth", "tokens", "console", "gc", "lists", "memory", "mirror", "s3", "start", "storm"] as const;
/** Those that measure this registry alone. */
const ALONE: ReadonlySet<string> = new Set<(typeof OTHER_GROUPS)[number]>(["console", "memory", "tokens"]);

const USAGE = `usage: npm run bench -- [${[...GROUPS, ...OTHER_GROUPS, "all"].join(" | ")}] [--rounds 3] [--seconds 4] [--json] [PEER=<path>]
       npm run bench -- --guard

Compares this registry with CNCF Distribution (Debian's docker-registry, or the program that PEER names) in alternating rounds: small requests, large
blobs, small pushes, tag pages. "s3" pushes and pulls large blobs through both over Ceph, beside the SDK alone. "gc" collects the garbage of a large store with both. "lists" prints what a page of tags with sizes and platforms takes. "console" opens the console of 10,000 repositories in Chromium, slowed down four times. "auth" prints what passwords and tokens cost, and what guessers cost others. "mirror" pulls through both as caches of a docker-registry. "storm" lets 500 clients pull one image from three replicas. "tokens" prints what a token server issues, and what others wait for meanwhile. "--guard" fails if a row of ${GUARDED.join(", ")} misses half of its aim in speed and in CPU time. "start" prints the time to the first answer and the memory of an idle registry. "memory" prints what 64 concurrent pushes and pulls of 256 MiB keep resident in ours.
Both store below TMPDIR, which should lie on a real disk.`;

const MIB = 1024 * 1024;
// statfs(2): the file systems that keep their files in memory.
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6]);

interface Options {
  readonly groups: readonly (Group | (typeof OTHER_GROUPS)[number])[];
  readonly pace: Pace;
  /** The program to compare with: Debian's docker-registry unless `PEER` names another. */
  readonly peer: string | undefined;
  readonly json: boolean;
  readonly guard: boolean;
}

async function main(): Promise<void> {
  const options = readOptions();
  const compares = options.groups.some((group) => !ALONE.has(group));
  if (compares) {
    requirePrograms(options.peer === undefined ? ["docker-registry", "wrk"] : ["wrk"]);
  }
  const mine = ours();
  const folder = await mkdtemp(join(tmpdir(), "longshore-bench-"));
  try {
    const program = options.peer ?? programPath("docker-registry");
    const version = compares ? (await promisify(execFile)(program, ["--version"])).stdout.trim() : "";
    if (!options.json) console.log(`${await describeMachine(folder)}${version === "" ? "" : `, beside ${version}`}`);
    for (const group of options.groups) {
      const place = await mkdtemp(join(folder, `${group}-`));
      await reportOn(group, options, mine, place);
      await rm(place, { recursive: true });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function reportOn(group: Options["groups"][number], options: Options, mine: Launcher, folder: string) {
  switch (group) {
    case "memory":
      return reportMemory(mine, folder);
    case "console":
      return reportConsole(options.pace, mine, folder);
    case "gc":
      return reportCollections(options, mine, folder);
    case "lists":
      return reportLists(options, mine, folder);
    case "mirror":
      return reportMirror(options, mine, folder);
    case "s3":
      return reportS3(options.pace);
    case "start":
      return reportStart(options, mine, folder);
    case "storm":
      return reportStorm(options, mine, folder);
    case "tokens":
      return reportTokens(mine, folder, options.pace);
    case "auth":
      return reportAuth(options, mine, folder);
    default:
      return reportGroup(group, options, mine, folder);
  }
}

async function reportGroup(group: Group, options: Options, mine: Launcher, folder: string): Promise<void> {
  const { json, pace, guard } = options;
  const report = await compareGroup(group, { theirs: peerOf(options), ours: mine }, folder, pace);
  if (json) console.log(JSON.stringify({ group, ...figuresOf(report) }));
  else console.log(`\n${group} (medians of ${pace.rounds} alternating rounds)\n${formatReport(report)}`);
  for (const row of guard ? findBroken(report) : []) {
    console.error(`${row}: less than half of its aim in speed and in CPU time; profile it before this change lands`);
    process.exitCode = 1;
  }
}

function peerOf({ peer }: Options): Launcher {
  return theirs(peer ?? programPath("docker-registry"));
}

async function reportCollections(options: Options, mine: Launcher, folder: string): Promise<void> {
  const { text, met } = formatCollections(await compareCollections({ theirs: peerOf(options), ours: mine }, folder));
  console.log(`\ngc: 110,000 blobs, 20,000 of them manifests, 10,000 unused\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportAuth(options: Options, mine: Launcher, folder: string): Promise<void> {
  const { pace } = options;
  const { text, met } = formatAuthReport(await measureAuth({ theirs: peerOf(options), ours: mine }, folder, pace));
  console.log(`\nauth: manifest GETs by tag (medians of ${pace.rounds} alternating rounds)\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportStart(options: Options, mine: Launcher, folder: string): Promise<void> {
  const { pace } = options;
  const { text, met } = formatStart(await measureStart({ theirs: peerOf(options), ours: mine }, folder, pace));
  console.log(`\nstart (medians of ${pace.rounds} alternating rounds)\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportLists(options: Options, mine: Launcher, folder: string): Promise<void> {
  const { text, met } = formatLists(await measureLists({ theirs: peerOf(options), ours: mine }, folder, options.pace));
  console.log(`\nlists: pages of 50 tags of 10,000 (${options.pace.rounds} rounds)\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportConsole(pace: Pace, mine: Launcher, folder: string): Promise<void> {
  requirePrograms(["chromium"]);
  const { text, met } = formatConsole(await measureConsole(mine, folder, pace));
  console.log(`\nconsole: 10,000 repositories, a processor slowed down four times (${pace.rounds} openings)\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportMirror(options: Options, mine: Launcher, folder: string): Promise<void> {
  const { pace } = options;
  requirePrograms(["nginx"]);
  const { text, met } = formatMirrorReport(await measureMirror({ theirs: peerOf(options), ours: mine }, folder, pace));
  console.log(`\nmirror (medians of ${pace.rounds} alternating rounds)\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportStorm(options: Options, mine: Launcher, folder: string): Promise<void> {
  const { pace } = options;
  const report = await measureStorm({ theirs: peerOf(options), ours: mine }, folder, pace);
  console.log(`\nstorm (${pace.rounds} alternating rounds)\n${formatStormReport(report)}`);
}

async function reportTokens(mine: Launcher, folder: string, pace: Pace): Promise<void> {
  requirePrograms(["wrk"]);
  const { text, met } = formatTokenReport(await measureTokens(mine, folder, pace));
  console.log(`\ntokens: one process (medians of ${pace.rounds} rounds)\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportS3(pace: Pace): Promise<void> {
  requirePrograms(["docker-registry", "radosgw"]);
  const { text, met } = formatS3Report(await measureS3(pace));
  console.log(`\ns3: blobs of 64 MiB, 4 at a time (medians of ${pace.rounds} alternating rounds)\n${text}`);
  if (!met) process.exitCode = 1;
}

async function reportMemory(mine: Launcher, folder: string): Promise<void> {
  console.log("\nmemory (peak resident of each process; the first is the primary when there are workers)");
  for (const phase of await measureMemory(mine, folder)) {
    const speed = phase.bytesPerSecond > 0 ? `, ${(phase.bytesPerSecond / MIB).toFixed(0)} MiB/s in all` : "";
    const over = phase.processes.some((process) => process.peakBytes > MEMORY_LIMIT);
    console.log(
      `${phase.name}: ${formatMemory(phase.processes)}${speed}${over ? ` - OVER ${MEMORY_LIMIT / MIB} MiB` : ""}`,
    );
    if (over) {
      process.exitCode = 1;
    }
  }
}

function readOptions(): Options {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string" },
      json: { type: "boolean", default: false },
      guard: { type: "boolean", default: false },
    },
  });
  const wanted = positionals[0] ?? "all";
  const groups = values.guard
    ? GUARDED.filter(() => positionals.length === 0)
    : wanted === "all"
      ? GROUPS
      : [...GROUPS, ...OTHER_GROUPS].filter((group) => group === wanted);
  const pace = { rounds: Number(values.rounds), seconds: Number(values.seconds ?? (values.guard ? "1" : "4")) };
  if (positionals.length > 1 || groups.length === 0 || !isCount(pace.rounds) || !isCount(pace.seconds)) {
    throw new BenchRefused(USAGE);
  }
  return { groups, pace, peer: process.env["PEER"], json: values.json, guard: values.guard };
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

async function describeMachine(folder: string): Promise<string> {
  const inMemory = MEMORY_FILE_SYSTEMS.has((await statfs(folder)).type);
  const disk = inMemory
    ? "files in memory: set TMPDIR to a real disk for the pushes to mean something"
    : "files on disk";
  return `Node ${process.version}, ${availableParallelism()} cores, ${disk}`;
}

try {
  await main();
} catch (error) {
  if (error instanceof BenchRefused) {
    console.error(error.message);
    process.exitCode = 2;
  } else {
    throw error;
  }
}
