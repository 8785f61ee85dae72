import { hostname } from "node:os";
import { Resources } from "@longshore/base/resources";
import {
  copyRepositories,
  createLeases,
  createUpstream,
  createUsageLog,
  notingTarget,
  type CopyObserver,
  type CopyResult,
  type CopyTarget,
  type Upstream,
  type UsageLog,
} from "@longshore/mirror";
import { openRecords, type RepositoryName, type StorageDriver } from "@longshore/storage";
import { z } from "zod";
import type { Config, ProxyConfig, SyncConfig } from "../config/config.js";
import { openState, unfrozen } from "../mirroring/open-mirror.js";
import { errorFields, type Log } from "../observability/log.js";
import { openStorageTarget } from "./open-target.js";

/** What a run of `proxy.sync` needs besides its configuration. */
export interface SyncPorts {
  readonly driver: StorageDriver;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly observer: CopyObserver;
  readonly dryRun: boolean;
  /** Looks at everything again. */
  readonly full: boolean;
  /** Called with what asks an entry's source, which tells how it does, also when the run is over. */
  readonly asking?: ((entry: SyncConfig["entries"][number], source: Upstream) => void) | undefined;
}

/** Another process of those that share the storage is copying what `proxy.sync` names. */
export class SyncUnderWayError extends Error {
  override readonly name = "SyncUnderWayError";

  constructor(owner: string) {
    super(`${owner} copies what proxy.sync names at the moment; try again when it has finished`);
  }
}

/** The lease of the process that copies. */
const LEASE = "mirror/sync";

/**
 * Copies what `proxy.sync` names, one entry after the other. What fails is reported, and the rest is copied all the same. Throws the signal's
 * reason, {@link SyncUnderWayError}, and StorageError where the storage is away.
 */
export async function runSync(config: Config, sync: SyncConfig, ports: SyncPorts): Promise<CopyResult> {
  const { driver, observer, signal } = ports;
  const leases = createLeases({ records: openRecords(driver), note: z.string() });
  const lease = await leases.take(LEASE, `process ${process.pid} on ${hostname()}`);
  if (lease === undefined) {
    throw new SyncUnderWayError((await leases.look(LEASE))?.note ?? "another process");
  }
  const total = { copied: 0, unchanged: 0, failed: 0, manifests: 0, blobs: 0, bytes: 0 };
  try {
    for (const entry of sync.entries) {
      try {
        const result = await copyEntry(config, sync, entry, ports);
        total.copied += result.copied;
        total.unchanged += result.unchanged;
        total.failed += result.failed;
        total.manifests += result.manifests;
        total.blobs += result.blobs;
        total.bytes += result.bytes;
      } catch (error) {
        signal.throwIfAborted();
        total.failed += 1;
        observer.failed?.(entry.text, error);
      }
    }
    return total;
  } finally {
    await lease.release();
  }
}

async function copyEntry(
  config: Config,
  sync: SyncConfig,
  entry: SyncConfig["entries"][number],
  { driver, log, signal, observer, dryRun, full, asking }: SyncPorts,
): Promise<CopyResult> {
  await using opened = new Resources();
  const source = opened.add(createUpstream(unfrozen(entry.options), { environment: process.env }));
  asking?.(entry, source);
  const stored = opened.add(await openStorageTarget(config, driver, { log, sparse: entry.platforms !== undefined }));
  const usage = dryRun || config.proxy === undefined ? undefined : opened.add(openUsage(config.proxy, driver, log));
  const target: CopyTarget =
    usage === undefined || config.proxy === undefined
      ? stored.target
      : notingTarget(stored.target, stored.registry, usage, isMirroredBy(config.proxy));
  return await copyRepositories({
    source,
    target,
    repositories: [entry.source.repository],
    tags: entry.source.tags,
    rename: entry.rename,
    platforms: entry.platforms,
    referrers: entry.referrers,
    full: full || sync.full,
    dryRun,
    jobs: sync.jobs,
    signal,
    observer,
  });
}

/** Between two writes of the state file (ms). */
const STATE_INTERVAL = 5000;

function openUsage({ ttl }: ProxyConfig, driver: StorageDriver, log: Log): UsageLog {
  return createUsageLog(openState(driver, ttl, log), {
    now: Date.now,
    interval: STATE_INTERVAL,
    grain: 0,
    onFailure: (error) => log.error("the list of cached content couldn't be written", errorFields(error)),
  });
}

function isMirroredBy({ upstreams }: ProxyConfig): (name: RepositoryName) => boolean {
  return (name) => upstreams.some(({ prefix }) => prefix === "" || name.startsWith(`${prefix}/`));
}
