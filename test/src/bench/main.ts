import { mkdtemp, rm, statfs } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureAuth } from "./auth/measure.js";
import { formatAuthReport } from "./auth/report.js";
import { compareGroup, type Pace } from "./compare.js";
import { compareCollections, formatCollections } from "./gc/measure.js";
import { measureMemory, MEMORY_LIMIT } from "./memory.js";
import { GROUPS, type Group } from "./operations.js";
import { BenchRefused, programPath, requirePrograms } from "./programs.js";
import { ours, theirs, type Launcher } from "./servers.js";
import { measureS3 } from "./s3/measure.js";
import { formatS3Report } from "./s3/report.js";
import { formatMemory, formatReport } from "./table.js";

const USAGE = `usage: npm run bench -- [${GROUPS.join(" | ")} | auth | gc | memory | s3 | all] [--rounds 3] [--seconds 4] [--original <path>]

Compares this registry with CNCF Distribution (Debian's docker-registry) in alternating rounds: small requests, large
blobs, small pushes, tag pages. "s3" pushes and pulls large blobs through both over Ceph, beside the SDK alone. "gc" collects the garbage of a large store with both. "auth" prints what passwords and tokens cost, and what guessers cost others. "memory" prints what 64 concurrent pushes and pulls of 256 MiB keep resident in ours.
Both store below TMPDIR, which should lie on a real disk.`;

const MIB = 1024 * 1024;
// statfs(2): the file systems that keep their files in memory.
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6]);

interface Options {
  readonly groups: readonly (Group | "auth" | "gc" | "memory" | "s3")[];
  readonly pace: Pace;
  readonly original: string | undefined;
}

async function main(): Promise<void> {
  const options = readOptions();
  const compares = options.groups.some((group) => group !== "memory");
  if (compares) {
    requirePrograms(options.original === undefined ? ["docker-registry", "wrk"] : ["wrk"]);
  }
  const mine = ours();
  const folder = await mkdtemp(join(tmpdir(), "longshore-bench-"));
  try {
    console.log(await describeMachine(folder));
    for (const group of options.groups) {
      const place = await mkdtemp(join(folder, `${group}-`));
      if (group === "memory") {
        await reportMemory(mine, place);
      } else if (group === "gc") {
        const original = theirs(options.original ?? programPath("docker-registry"));
        const { text, met } = formatCollections(await compareCollections({ theirs: original, ours: mine }, place));
        console.log(`\ngc: 110,000 blobs, 20,000 of them manifests, 10,000 unused\n${text}`);
        if (!met) process.exitCode = 1;
      } else if (group === "s3") {
        await reportS3(options.pace);
      } else if (group === "auth") {
        const original = theirs(options.original ?? programPath("docker-registry"));
        const { text, met } = formatAuthReport(
          await measureAuth({ theirs: original, ours: mine }, place, options.pace),
        );
        console.log(`\nauth: manifest GETs by tag (medians of ${options.pace.rounds} alternating rounds)\n${text}`);
        if (!met) process.exitCode = 1;
      } else {
        const original = theirs(options.original ?? programPath("docker-registry"));
        const report = await compareGroup(group, { theirs: original, ours: mine }, place, options.pace);
        console.log(`\n${group} (medians of ${options.pace.rounds} alternating rounds)\n${formatReport(report)}`);
      }
      await rm(place, { recursive: true });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
      seconds: { type: "string", default: "4" },
      original: { type: "string" },
    },
  });
  const wanted = positionals[0] ?? "all";
  const groups =
    wanted === "all"
      ? GROUPS
      : [...GROUPS, "auth" as const, "gc" as const, "memory" as const, "s3" as const].filter(
          (group) => group === wanted,
        );
  const pace = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
  if (positionals.length > 1 || groups.length === 0 || !isCount(pace.rounds) || !isCount(pace.seconds)) {
    throw new BenchRefused(USAGE);
  }
  return { groups, pace, original: values.original };
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
