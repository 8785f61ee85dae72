import { makeDirectories } from "@longshore/base/make-directories";
import { Resources } from "@longshore/base/resources";
import { untaggedRule } from "@longshore/policy";
import { createHash, randomUUID } from "node:crypto";
import { lstat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  claimWorkDirectory,
  collectGarbage,
  type CollectObserver,
  type CollectOptions,
  type CollectResult,
  type RepositoryName,
  type StorageDriver,
} from "@longshore/storage";
import type { Config } from "../config/config.js";
import { isMirrored } from "../config/mirrored.js";
import { errorFields, type Log } from "../observability/log.js";
import { openConfiguredCaches } from "../open-storage.js";

/** What one collection should do, beyond what the configuration sets for all of them. */
export interface CollectionRequest {
  readonly driver: StorageDriver;
  readonly log: Log;
  /** ms */
  readonly grace: number;
  /** ms; undefined keeps untagged manifests. */
  readonly untaggedAge: number | undefined;
  readonly dryRun: boolean;
  readonly observer: CollectObserver;
  readonly signal: AbortSignal;
}

/** Runs one collection in a work directory of its own, and updates the caches. Throws CollectError, or the signal's reason. */
export async function runCollection(config: Config, request: CollectionRequest): Promise<CollectResult> {
  const { driver, log, grace, dryRun, observer, signal } = request;
  const { storage } = config;
  await using opened = new Resources();
  const caches = opened.add(await openConfiguredCaches(config, driver, log));
  const work = await claimWorkDirectory(join(await workBase(storage), identityOf(storage)));
  opened.defer(() => work.release());
  const changed = new Set<RepositoryName>();
  opened.defer(() => tellOfRemovals(config, request, changed));
  return await collectGarbage(driver, {
    grace,
    deleteUntagged: untaggedOf(config, request.untaggedAge),
    dryRun,
    workDirectory: work.path,
    observer: {
      ...observer,
      manifestRemoved: (name, digest) => {
        changed.add(name);
        observer.manifestRemoved?.(name, digest);
      },
    },
    signal,
    caches,
  });
}

/** Lists and quotas would count for some minutes what is gone. */
async function tellOfRemovals(
  { inventory }: Config,
  { driver, log }: CollectionRequest,
  changed: ReadonlySet<RepositoryName>,
): Promise<void> {
  if (!inventory.enabled || changed.size === 0) return;
  const { tellOfChanges } = await import("@longshore/inventory");
  try {
    await tellOfChanges(driver, randomUUID(), changed);
  } catch (error) {
    log.warn(
      "inventory: other processes couldn't be told of a collection; they will find it later",
      errorFields(error),
    );
  }
}

/** What `policy.retention.untagged` says goes before what holds for all repositories. */
function untaggedOf(config: Config, age: number | undefined): CollectOptions["deleteUntagged"] {
  const { enabled, dryrun, untagged } = config.policy.retention;
  if (!enabled || dryrun || untagged.length === 0) return age === undefined ? undefined : { age };
  return { age: (name) => (isMirrored(config, name) ? undefined : untaggedRule(untagged, name)?.age) ?? age };
}

/** The name of a storage's work directory. */
function identityOf({ driver }: Config["storage"]): string {
  return createHash("sha256").update(`${driver.kind} ${driver.identity}`).digest("hex").slice(0, 16);
}

/** Where work files go. Only we may write there: anyone else could make a collection believe that something is unused. */
async function workBase({ maintenance }: Config["storage"]): Promise<string> {
  const { workdirectory = "" } = maintenance.gc;
  if (workdirectory !== "") return workdirectory;
  const user = process.getuid?.() ?? 0;
  const base = join(tmpdir(), `registry-collection-${user}`);
  await makeDirectories(base, 0o700);
  const stats = await lstat(base);
  if (!stats.isDirectory() || stats.uid !== user || (stats.mode & 0o022) !== 0) {
    throw new Error(
      `${base} belongs to another user; set a different directory in storage.maintenance.gc.workdirectory`,
    );
  }
  return base;
}
