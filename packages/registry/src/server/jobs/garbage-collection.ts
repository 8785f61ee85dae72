import { CollectError, LockHeldError, type CollectObserver, type CollectResult } from "@longshore/storage";
import type { CollectionConfig } from "../../config/config.js";
import { formatMebibytes } from "../../garbage-collection/progress.js";
import { formatDuration } from "../../observability/duration.js";
import { errorFields, type Log } from "../../observability/log.js";
import { runOnSchedule } from "./schedule.js";

/** How often a running collection logs its progress (ms). */
const PROGRESS = 60_000;

/** Runs one collection, until `signal` is aborted. */
export type Collect = (observer: CollectObserver, signal: AbortSignal) => Promise<CollectResult>;

/** Notified when a collection ends; the result is undefined if it failed. */
interface CollectionObserver {
  ended(seconds: number, result: CollectResult | undefined): void;
}

export interface CollectingPorts {
  readonly log: Log;
  readonly metrics?: CollectionObserver | undefined;
  /** Ends the current collection, and starts no more. */
  readonly stop: AbortSignal;
  /** ms since 1970. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/** Runs collections on their schedule. */
export function startCollecting(config: CollectionConfig, collect: Collect, ports: CollectingPorts): void {
  if (!config.enabled) return;
  const { log, metrics, stop, now = Date.now, random = Math.random } = ports;

  const run = async (): Promise<void> => {
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
        log.info("garbage collection in progress", { phase, done, total });
      },
    };
    try {
      const result = await collect(observer, stop);
      metrics?.ended((now() - began) / 1000, result);
      log.info("garbage collection finished", fieldsOf(result, now() - began));
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof CollectError && error.cause instanceof LockHeldError) {
        // Another replica is running it.
        log.info("garbage collection skipped", errorFields(error.cause));
      } else {
        metrics?.ended((now() - began) / 1000, undefined);
        log.error("the garbage collection failed and will be tried again", errorFields(error));
      }
    }
  };

  const onScheduled = (wait: number): void => log.info(`Starting garbage collection in ${formatDuration(wait)}`);
  runOnSchedule(config, run, { stop, now, random, onScheduled });
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
