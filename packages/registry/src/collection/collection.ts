import { createHash, randomUUID } from "node:crypto";
import { lstat, mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  claimWorkDirectory,
  collectGarbage,
  type Caches,
  type CollectObserver,
  type CollectResult,
  type StorageDriver,
} from "@longshore/storage";
import type { Config } from "../config/config.js";
import { revealParameters } from "../config/parameters.js";

/** What one collection is to do, beside what the configuration says of all. */
export interface CollectionRequest {
  readonly driver: StorageDriver;
  readonly caches: Pick<Caches, "links" | "descriptors">;
  /** ms */
  readonly grace: number;
  /** ms; undefined: untagged manifests stay. */
  readonly untaggedAge: number | undefined;
  readonly dryRun: boolean;
  readonly observer: CollectObserver;
  readonly signal: AbortSignal;
}

/** Runs one collection with a work directory of its own. Throws CollectError, or the signal's reason. */
export async function runCollection(
  { storage }: Pick<Config, "storage">,
  request: CollectionRequest,
): Promise<CollectResult> {
  const { driver, caches, grace, untaggedAge, dryRun, observer, signal } = request;
  const identity = identityOf(storage);
  const work = await claimWorkDirectory(join(await workBase(storage), identity));
  try {
    return await collectGarbage(driver, {
      grace,
      deleteUntagged: untaggedAge === undefined ? undefined : { age: untaggedAge },
      dryRun,
      workDirectory: work.path,
      // Notes are written without syncs: after a crash of the machine they may promise what is lost.
      identity: `${identity} ${await bootOf()}`,
      observer,
      signal,
      caches,
    });
  } finally {
    await work.release();
  }
}

/** Tells one storage from another: its driver and the parameters, without a secret being readable from it. */
function identityOf({ type, parameters }: Config["storage"]): string {
  const text = JSON.stringify([type, revealParameters(parameters)]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Tells one start of the machine from another; where that can't be told, nothing that was left is gone on with. */
async function bootOf(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return randomUUID();
  }
}

/** Where work files go. Ours alone: others could make a collection believe that something is unused. */
async function workBase({ maintenance }: Config["storage"]): Promise<string> {
  const { workdirectory = "" } = maintenance.gc;
  if (workdirectory !== "") return workdirectory;
  const user = process.getuid?.() ?? 0;
  const base = join(tmpdir(), `registry-collection-${user}`);
  await mkdir(base, { recursive: true, mode: 0o700 });
  const stats = await lstat(base);
  if (!stats.isDirectory() || stats.uid !== user || (stats.mode & 0o022) !== 0) {
    throw new Error(`${base} belongs to somebody else; name another directory in storage.maintenance.gc.workdirectory`);
  }
  return base;
}
