import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  collectGarbage,
  createDriver,
  digestOf,
  isDigest,
  isStorageError,
  openRegistry,
  parseManifest,
  parseRepositoryName,
  parseTagName,
  referencesOf,
  type Digest,
  type Repository,
  type StorageDriver,
} from "@longshore/storage";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import {
  isFuzzReport,
  LOCK_WAIT,
  type FuzzPlan,
  type FuzzReport,
  type FuzzStorage,
  type Held,
} from "./fuzz-universe.js";

const PROCESSES = 2;
const PROGRAM = fileURLToPath(new URL("../../dist/gc/fuzz-process.js", import.meta.url));

const LAYERS = { filesystem: 24, s3: 60 } as const;

/** Less than nothing: what was written just now is old. */
const AT_ONCE = -60_000;

export interface FuzzSettings {
  readonly seed: number;
  /** Of all processes together. */
  readonly operations: number;
  readonly grace?: number;
  readonly handshake?: boolean;
  /** Real files, or object storage: the stand-in; real files unless told. */
  readonly over?: "filesystem" | "s3";
}

export interface FuzzOutcome {
  readonly operations: number;
  readonly pushes: number;
  readonly repeated: number;
  readonly collections: number;
  readonly refused: number;
  readonly removedBlobs: number;
  readonly removedManifests: number;
  readonly violations: readonly string[];
  /** What was left at the end and shouldn't be, or should be and wasn't. */
  readonly leftovers: readonly string[];
}

/**
 * Lets two registries in processes of their own push, mount, move and delete over one storage while each collects all the
 * time (over object storage: whenever the other doesn't), and then looks at what is left. The files are in memory where the machine has a place for that: it is about order.
 */
export async function fuzz(settings: FuzzSettings): Promise<FuzzOutcome> {
  const { seed, operations, grace = 0, handshake = true, over = "filesystem" } = settings;
  const root = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "longshore-fuzz-"));
  const server = over === "s3" ? await startStandIn() : undefined;
  try {
    const storage: FuzzStorage =
      server === undefined
        ? { driver: "filesystem", parameters: { rootdirectory: root } }
        : { driver: "s3", parameters: s3Parameters(server, await server.newBucket()) };
    const plan = {
      storage,
      work: root,
      layers: LAYERS[over],
      seed,
      operations: Math.ceil(operations / PROCESSES),
      grace,
      handshake,
    };
    const stop = new AbortController();
    const reports = await Promise.all(
      Array.from({ length: PROCESSES }, async (_, process) => {
        const report = await runProcess({ ...plan, process }, stop.signal);
        // One is enough: the others needn't go on to the end.
        if (report.violations.length > 0) stop.abort();
        return report;
      }),
    );
    const violations = reports.flatMap((report) => report.violations);
    const sum = (count: (report: FuzzReport) => number) => reports.reduce((total, report) => total + count(report), 0);
    return {
      operations: sum((report) => report.operations),
      pushes: sum((report) => report.pushes),
      repeated: sum((report) => report.repeated),
      collections: sum((report) => report.collections),
      refused: sum((report) => report.refused),
      removedBlobs: sum((report) => report.removedBlobs),
      removedManifests: sum((report) => report.removedManifests),
      violations,
      leftovers:
        violations.length > 0
          ? []
          : await lookAtTheEnd(
              storage,
              root,
              reports.flatMap(({ held }) => held),
            ),
    };
  } finally {
    await rm(root, { recursive: true, force: true });
    await server?.stop();
  }
}

/** `stop` has it end early. */
async function runProcess(plan: FuzzPlan, stop: AbortSignal): Promise<FuzzReport> {
  const child = fork(PROGRAM);
  child.send(plan);
  stop.addEventListener("abort", () => {
    if (child.connected) child.send("stop");
  });
  const report = new Promise<FuzzReport>((resolve, reject) => {
    child.once("message", (message) => {
      if (isFuzzReport(message)) resolve(message);
      else reject(new Error("expected a report"));
    });
    child.once("exit", (code) => reject(new Error(`a fuzzing process ended with ${String(code)}`)));
  });
  const result = await report;
  if (child.exitCode === null) await once(child, "exit");
  return result;
}

/** Exactly what is held is there after a last collection, and nothing when nothing is held. */
async function lookAtTheEnd(storage: FuzzStorage, root: string, held: readonly Held[]): Promise<readonly string[]> {
  const driver = await createDriver(storage.driver, storage.parameters);
  try {
    const registry = openRegistry(driver);
    await collectAll(driver, root);
    const needed = new Set<Digest>();
    for (const { repository, digest, referrers } of held) {
      const place = registry.repository(parseRepositoryName(repository));
      for (const each of [digest, ...referrers]) await need(place, each, needed);
    }
    const there = new Set<string>(await filesBelow(driver, "blobs"));
    const faults = [
      ...[...needed].filter((digest) => !there.has(digest)).map((digest) => `${digest} is held and gone`),
      ...[...there].filter((name) => !isDigest(name) || !needed.has(name)).map((name) => `${name} is unused and there`),
    ];
    for (const { repository, tag } of held) {
      await registry.repository(parseRepositoryName(repository)).tags.delete(parseTagName(tag));
    }
    await collectAll(driver, root);
    const rest = [...(await filesBelow(driver, "blobs")), ...(await filesBelow(driver, "repositories"))];
    return [...faults, ...rest.map((name) => `${name} was left when nothing was held`)];
  } finally {
    await driver.close();
  }
}

async function collectAll(driver: StorageDriver, root: string): Promise<void> {
  const workDirectory = join(root, "work-end");
  await collectGarbage(driver, {
    grace: AT_ONCE,
    deleteUntagged: { age: AT_ONCE },
    workDirectory,
    lockWait: LOCK_WAIT,
  });
}

/** Adds what the manifest needs to be pulled. */
async function need(repository: Repository, digest: Digest, needed: Set<Digest>): Promise<void> {
  needed.add(digest);
  const stored = await repository.manifests.get(digest).catch((error: unknown) => {
    if (isStorageError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  });
  // Its bytes are missing then, or its link is, which nothing else would show.
  if (stored === undefined) {
    needed.add(digestOf(new TextEncoder().encode(`the link of ${digest}`)));
    return;
  }
  const { bytes, mediaType } = stored;
  // Whoever pushed them: referrers of what is kept are kept.
  for (const referrer of (await repository.referrers.list(digest)).items) {
    if (!needed.has(referrer.digest)) await need(repository, referrer.digest, needed);
  }
  for (const { kind, descriptor } of referencesOf(parseManifest(bytes, mediaType))) {
    needed.add(descriptor.digest);
    if (kind === "manifest") await need(repository, descriptor.digest, needed);
  }
}

/** The blobs' digests, or the links of repositories; tags' histories, lists' markers and sessions aside. */
async function filesBelow(driver: StorageDriver, area: "blobs" | "repositories"): Promise<readonly string[]> {
  const names = await walk(driver, `/docker/registry/v2/${area}`);
  if (area === "repositories") {
    return names.filter((name) => /\/(?:_layers|_manifests\/revisions)\/.*\/link[^/]*$/.test(name));
  }
  const files = new Set(names);
  return names.flatMap((name) => {
    const [algorithm = "", , hex = "", file] = name.split("/");
    if (file === "data") return [`${algorithm}:${hex}`];
    // A lease belongs to what is there.
    return file === "data.lease" && files.has(name.replace(/\.lease$/, "")) ? [] : [name];
  });
}

/** Every file below `directory`, by its path from there. */
async function walk(driver: StorageDriver, directory: string, prefix = ""): Promise<readonly string[]> {
  const { names } = await driver.list(directory, { limit: 100_000 }).catch((error: unknown) => {
    if (isStorageError(error, "PATH_NOT_FOUND")) return { names: [] };
    throw error;
  });
  const found: string[] = [];
  for (const name of names) {
    const path = `${directory}/${name}`;
    if ((await driver.stat(path)).isDirectory) found.push(...(await walk(driver, path, `${prefix}${name}/`)));
    else found.push(prefix + name);
  }
  return found;
}
