import { Resources } from "@longshore/base/resources";
import { cleanSpool, sweep, type SweepResult } from "@longshore/mirror";
import { openRegistry, type StorageDriver } from "@longshore/storage";
import type { Config, ProxyConfig } from "../config/config.js";
import { runCollection } from "../garbage-collection/run-collection.js";
import type { MirrorMetrics } from "../metrics/mirror-metrics.js";
import { errorFields, type Log } from "../observability/log.js";
import { openConfiguredCaches } from "../open-storage.js";
import { openState } from "./open-mirror.js";

/** What sweeping needs besides the configuration. */
export interface SweepPorts {
  readonly driver: StorageDriver;
  readonly log: Log;
  readonly metrics: MirrorMetrics | undefined;
  /** Begins no sweep any more, and ends the one under way. */
  readonly stop: AbortSignal;
  readonly random?: () => number;
}

/**
 * Sweeps the cache again and again, and has a collection free the bytes: first after a random part of the interval, so that several registries
 * don't walk a shared storage at once. What killed downloads left is removed at once, and then with each sweep.
 */
export function startSweeping(config: Config, proxy: ProxyConfig, ports: SweepPorts): void {
  const { log, stop, random = Math.random } = ports;
  let timer = setTimeout(run, Math.floor(random() * proxy.sweep)).unref();
  stop.addEventListener("abort", () => clearTimeout(timer), { once: true });
  void clean();

  function run(): void {
    void clean()
      .then(runOnce)
      .finally(() => {
        if (!stop.aborted) timer = setTimeout(run, proxy.sweep).unref();
      });
  }

  async function clean(): Promise<void> {
    try {
      const files = await cleanSpool(ports.driver, proxy.directory, stop);
      if (files > 0) log.info("removed leftovers of killed downloads", { files });
    } catch (error) {
      if (!stop.aborted)
        log.error("leftovers of downloads couldn't be removed and will be tried again", errorFields(error));
    }
  }

  async function runOnce(): Promise<void> {
    try {
      await sweepMirror(config, proxy, ports);
    } catch (error) {
      if (!stop.aborted) log.error("sweeping the cache failed and will be tried again", errorFields(error));
    }
  }
}

/** One sweep, and the collection that frees what it left. */
async function sweepMirror(
  config: Config,
  proxy: ProxyConfig,
  { driver, log, metrics, stop: signal }: SweepPorts,
): Promise<void> {
  const result = await sweepOnce(config, proxy, { driver, log, signal });
  const { expired, forRoom, blobs, bytes, failures } = result;
  metrics?.evicted("expired", expired, forRoom === 0 ? bytes : 0);
  metrics?.evicted("room", forRoom, forRoom === 0 ? 0 : bytes);
  if (failures > 0) log.warn("some cached content couldn't be removed and will be tried again", { failures });
  if (expired + forRoom + blobs === 0) return;
  log.info("removed cached content", { expired, forroom: forRoom, blobs, bytes });
  await runCollection(config, {
    driver,
    log,
    // A registry that only mirrors accepts no pushes: there is nothing to wait for.
    grace: proxy.isSingle ? 0 : config.storage.maintenance.gc.graceperiod,
    untaggedAge: undefined,
    dryRun: false,
    observer: { removed: () => undefined, problem: (text) => log.warn(text), progress: () => undefined },
    signal,
  });
}

async function sweepOnce(
  config: Config,
  { ttl, maxbytes, pins }: ProxyConfig,
  { driver, log, signal }: { readonly driver: StorageDriver; readonly log: Log; readonly signal: AbortSignal },
): Promise<SweepResult> {
  await using opened = new Resources();
  const caches = opened.add(await openConfiguredCaches(config, driver, log));
  return await sweep({
    registry: openRegistry(driver, { caches }),
    driver,
    file: openState(driver, ttl, log),
    ttl,
    maxBytes: maxbytes,
    pins,
    now: Date.now,
    signal,
  });
}
