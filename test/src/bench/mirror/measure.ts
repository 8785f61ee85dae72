import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "@longshore/testkit/loopback";
import type { Pace } from "../compare.js";
import { createFixtures, MANIFEST_TYPE, pushImage } from "../fixtures.js";
import { runLoad, runWrk } from "../generate.js";
import { median } from "../median.js";
import { cpuSeconds, peakMemory, type ProcessMemory } from "../process-tree.js";
import { start, untilAnswered, type Launcher, type Target } from "../servers.js";
import { startLink } from "./link.js";

/** Blobs of this many bytes, so many at a time. */
export const BLOB_BYTES = 64 * 1024 * 1024;
export const AT_A_TIME = 4;

const REPOSITORY = "bench/pulled";
const IMAGE = "bench/image";
const CONNECTIONS = 16;

/** A network of 1 Gbit/s carries so many bytes per second. */
const LINK = 119 * 1024 * 1024;

/**
 * What is compared: pulls straight from the upstream, from a repository of our own, and through both caches; those through a bare
 * program show what is possible on Node.
 */
export const WAYS = [
  "upstream, directly",
  "ours, cold",
  "theirs, cold",
  "bare program, cold",
  "1 Gbit/s, directly",
  "1 Gbit/s, ours, cold",
  "1 Gbit/s, theirs, cold",
  "local repository",
  "ours, cached",
  "theirs, cached",
] as const;
export type Way = (typeof WAYS)[number];

/** Who serves manifests that are compared. */
export const MANIFESTS = ["local repository", "ours, by digest", "theirs, by digest", "ours, by tag"] as const;
export type ManifestWay = (typeof MANIFESTS)[number];

interface MirrorFigures {
  /** Bytes or requests a second, of each round. */
  readonly rates: readonly number[];
  readonly rate: number;
  /** CPU seconds of the server that the client asks, for a GiB; the median. */
  readonly cpu: number;
}

export interface MirrorReport {
  readonly blobs: ReadonlyMap<Way, MirrorFigures>;
  readonly manifests: ReadonlyMap<ManifestWay, number>;
  readonly memory: readonly ProcessMemory[];
  /** The load of the machine (`uptime`) before and behind the run. */
  readonly load: readonly [number, number];
}

/** Pulls through both caches of one upstream, which is a `docker-registry`, in alternating rounds below `folder`. */
export async function measureMirror(
  { theirs, ours }: { readonly theirs: Launcher; readonly ours: Launcher },
  folder: string,
  { rounds, seconds }: Pace,
): Promise<MirrorReport> {
  const before = loadavg()[0] ?? Number.NaN;
  await using upstream = await start(theirs, join(folder, "upstream"));
  await using local = await start(ours, join(folder, "local"));
  const proxy = { REGISTRY_PROXY_REMOTEURL: upstream.origin };
  // Tags that are compared for each pull cost a HEAD: with a minute of freshness they are served like local ones.
  const fresh = { ...proxy, REGISTRY_PROXY_FRESHNESS: "1m" };
  await using mine = await start(ours, join(folder, "mirror"), fresh);
  await using other = await start(theirs, join(folder, "mirror-of-theirs"), proxy);
  await using bare = await startBare(upstream.origin, join(folder, "bare"));
  await using link = await startLink(upstream.origin, LINK / AT_A_TIME, join(folder, "link"));
  const overLink = { REGISTRY_PROXY_REMOTEURL: link.origin };
  await using mineOverLink = await start(ours, join(folder, "mirror-over-link"), overLink);
  await using otherOverLink = await start(theirs, join(folder, "mirror-of-theirs-over-link"), overLink);

  const samples = new Map<Way, { readonly rate: number; readonly cpu: number }[]>(WAYS.map((way) => [way, []]));
  const pull = async (way: Way, target: Pick<Target, "origin" | "pid">, digests: readonly string[]): Promise<void> => {
    const began = await cpuSeconds(target.pid);
    const urls = digests.map((digest) => `${target.origin}/v2/${REPOSITORY}/blobs/${digest}`);
    const result = await runLoad({ kind: "download", urls });
    const bytes = digests.length * BLOB_BYTES;
    const cpu = (((await cpuSeconds(target.pid)) - began) / bytes) * 1024 ** 3;
    samples.get(way)?.push({ rate: bytes / result.seconds, cpu });
  };

  for (let round = 0; round < rounds; round += 1) {
    const digests = await pushBlobs(upstream);
    const owned = await pushBlobs(local);
    const cold: readonly (() => Promise<void>)[] = [
      () => pull("upstream, directly", upstream, digests),
      () => pull("ours, cold", mine, digests).then(() => untilStored(mine, digests)),
      () => pull("theirs, cold", other, digests).then(() => untilStored(other, digests)),
      () => pull("bare program, cold", bare, digests),
      () => pull("1 Gbit/s, directly", { ...link, pid: upstream.pid }, digests),
      () => pull("1 Gbit/s, ours, cold", mineOverLink, digests).then(() => untilStored(mineOverLink, digests)),
      () => pull("1 Gbit/s, theirs, cold", otherOverLink, digests).then(() => untilStored(otherOverLink, digests)),
    ];
    for (const measure of round % 2 === 0 ? cold : [...cold].reverse()) await measure();
    const cached: readonly (() => Promise<void>)[] = [
      () => pull("local repository", local, owned),
      () => pull("ours, cached", mine, digests),
      () => pull("theirs, cached", other, digests),
    ];
    for (const measure of round % 2 === 0 ? cached : [...cached].reverse()) await measure();
  }
  const blobs = new Map(
    [...samples].map(([way, all]) => {
      const rates = all.map(({ rate }) => rate);
      return [way, { rates, rate: median(rates), cpu: median(all.map(({ cpu }) => cpu)) }] as const;
    }),
  );
  const manifests = await measureManifests({ upstream, local, mine, other }, { rounds, seconds });
  const memory = await peakMemory(mine.pid);
  return { blobs, manifests, memory, load: [before, loadavg()[0] ?? Number.NaN] };
}

/** Starts the bare program (`bare.ts`), which stores below `folder`. */
async function startBare(upstream: string, folder: string): Promise<Pick<Target, "origin" | "pid"> & AsyncDisposable> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const program = fileURLToPath(new URL("./bare.js", import.meta.url));
  const child = spawn(process.execPath, [program, String(port), upstream, folder], { stdio: "inherit" });
  const exited = once(child, "exit");
  const origin = `http://127.0.0.1:${port}`;
  await untilAnswered(
    `${origin}/v2/`,
    exited.then(() => true),
  );
  return {
    origin,
    pid: child.pid ?? -1,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function measureManifests(
  { upstream, local, mine, other }: Readonly<Record<"upstream" | "local" | "mine" | "other", Target>>,
  { rounds, seconds }: Pace,
): Promise<ReadonlyMap<ManifestWay, number>> {
  const fixtures = createFixtures();
  for (const target of [upstream, local]) await pushImage(target, IMAGE, "latest", fixtures);
  const urls: Readonly<Record<ManifestWay, string>> = {
    "local repository": `${local.origin}/v2/${IMAGE}/manifests/${fixtures.manifestDigest}`,
    "ours, by digest": `${mine.origin}/v2/${IMAGE}/manifests/${fixtures.manifestDigest}`,
    "theirs, by digest": `${other.origin}/v2/${IMAGE}/manifests/${fixtures.manifestDigest}`,
    "ours, by tag": `${mine.origin}/v2/${IMAGE}/manifests/latest`,
  };
  const rates = new Map<ManifestWay, number[]>(MANIFESTS.map((way) => [way, []]));
  const run = (way: ManifestWay, time: number) =>
    runWrk({ url: urls[way], connections: CONNECTIONS, seconds: time, headers: [`Accept: ${MANIFEST_TYPE}`] });
  for (const way of MANIFESTS) await run(way, 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const way of round % 2 === 0 ? MANIFESTS : [...MANIFESTS].reverse()) {
      const { operations, seconds: time } = await run(way, seconds);
      rates.get(way)?.push(operations / time);
    }
  }
  return new Map([...rates].map(([way, all]) => [way, median(all)]));
}

async function pushBlobs({ origin }: Target): Promise<readonly string[]> {
  const { digests } = await runLoad({
    ...{ kind: "push", origin, repository: REPOSITORY, how: "monolithic", size: BLOB_BYTES },
    ...{ connections: 1, limit: { count: AT_A_TIME } },
  });
  return digests;
}

/** How long a cache may take to have stored what it served (ms). */
const STORE_LIMIT = 120_000;

/** docker-registry fetches what it stores once more, in the background: the next measurement doesn't begin before. */
async function untilStored({ root, name }: Target, digests: readonly string[]): Promise<void> {
  const deadline = Date.now() + STORE_LIMIT;
  for (const digest of digests) {
    const hex = digest.slice("sha256:".length);
    const path = join(root, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
    while (!(await isThere(path))) {
      if (Date.now() > deadline) throw new Error(`${name} didn't store ${digest} in ${STORE_LIMIT} ms`);
      await delay(50);
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
