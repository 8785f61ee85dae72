import {
  CollectError,
  LockHeldError,
  type CollectObserver,
  type CollectResult,
  type StorageDriver,
} from "@longshore/storage";
import { openConfiguredCaches } from "../caches.js";
import { runCollection } from "../collection/collection.js";
import type { CollectionConfig, Config } from "../config/config.js";
import { formatMebibytes } from "../collection/progress.js";
import { formatDuration } from "../observability/duration.js";
import { errorFields, type Log } from "../observability/log.js";

const DAY = 24 * 60 * 60_000;
/** The longest that a timer can wait. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** How often a running collection says how far it is (ms). */
const PROGRESS = 60_000;

/** Runs one collection. */
export type Collect = (observer: CollectObserver, signal: AbortSignal) => Promise<CollectResult>;

/** Runs one collection as `storage.maintenance.gc` asks for it. */
export async function collectAsConfigured(
  config: Config,
  {
    driver,
    log,
    observer,
    signal,
  }: { driver: StorageDriver; log: Log; observer: CollectObserver; signal: AbortSignal },
): Promise<CollectResult> {
  const { graceperiod, deleteuntagged, dryrun } = config.storage.maintenance.gc;
  const caches = await openConfiguredCaches(config, driver, log);
  try {
    return await runCollection(config, {
      driver,
      caches,
      grace: graceperiod,
      untaggedAge: deleteuntagged.enabled ? deleteuntagged.age : undefined,
      dryRun: dryrun,
      observer,
      signal,
    });
  } finally {
    await caches.close();
  }
}

/** Told when a collection ends; undefined where it failed. */
interface CollectionObserver {
  ended(seconds: number, result: CollectResult | undefined): void;
}

export interface CollectingPorts {
  readonly log: Log;
  readonly metrics?: CollectionObserver | undefined;
  /** ms since 1970. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/**
 * Runs collections: first at the time of day that is configured, or after a random time of up to an hour, so that several
 * registries don't walk a shared storage at once; then on the interval. Returns what stops it.
 */
export function startCollecting(config: CollectionConfig, collect: Collect, ports: CollectingPorts): () => void {
  if (!config.enabled) return () => undefined;
  const { log, metrics, now = Date.now, random = Math.random } = ports;
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const sleep = (due: number): void => {
    if (stop.signal.aborted) return;
    const wait = Math.max(due - now(), 0);
    const part = Math.min(wait, LONGEST_TIMER);
    timer = setTimeout(() => (part < wait ? sleep(due) : void run(due)), part).unref();
  };

  const schedule = (due: number): void => {
    if (stop.signal.aborted) return;
    log.info(`Starting garbage collection in ${formatDuration(Math.max(due - now(), 0))}`);
    sleep(due);
  };

  const run = async (due: number): Promise<void> => {
    const began = now();
    let told = began;
    log.info("garbage collection starting", {
      graceperiod: formatDuration(config.graceperiod),
      deleteuntagged: config.deleteuntagged.enabled,
      dryrun: config.dryrun,
    });
    const observer: CollectObserver = {
      removed: (what) => log.debug(what),
      problem: (text) => log.warn(text),
      progress: ({ phase, done, total }) => {
        if (now() - told < PROGRESS) return;
        told = now();
        log.info("garbage collection goes on", { phase, done, total });
      },
    };
    try {
      const result = await collect(observer, stop.signal);
      metrics?.ended((now() - began) / 1000, result);
      log.info("garbage collection finished", fieldsOf(result, now() - began));
    } catch (error) {
      if (stop.signal.aborted) return;
      if (error instanceof CollectError && error.cause instanceof LockHeldError) {
        // Another replica does it.
        log.info("no garbage collection now", errorFields(error.cause));
      } else {
        metrics?.ended((now() - began) / 1000, undefined);
        log.error("the garbage collection failed and will be tried again", errorFields(error));
      }
    }
    schedule(nextTime(due, config.interval, now()));
  };

  schedule(now() + firstWait(config, now(), random));
  return () => {
    stop.abort(new Error("the registry stops"));
    clearTimeout(timer);
  };
}

/** How long until the first collection (ms). */
export function firstWait({ timeofday, interval }: CollectionConfig, now: number, random: () => number): number {
  if (timeofday === undefined) return Math.floor(random() * Math.min(interval, DAY / 24));
  const [hours = 0, minutes = 0] = timeofday.split(":").map(Number);
  const since = ((((now % DAY) - (hours * 60 + minutes) * 60_000) % DAY) + DAY) % DAY;
  return since === 0 ? 0 : DAY - since;
}

/**
 * When the collection after the one that was due at `due` is due (ms). Counted from start to start, so that long ones don't
 * move the time of day; one that takes longer than the interval leaves the next one out.
 */
function nextTime(due: number, interval: number, now: number): number {
  return due + interval * Math.max(Math.floor((now - due) / interval) + 1, 1);
}

function fieldsOf(result: CollectResult, milliseconds: number): Readonly<Record<string, unknown>> {
  return {
    duration: formatDuration(milliseconds),
    marked: result.marked,
    blobs: result.removedBlobs,
    manifests: result.removedManifests,
    links: result.removedLinks,
    freed: formatMebibytes(result.freedBytes),
    young: result.young,
    problems: result.problems,
  };
}
