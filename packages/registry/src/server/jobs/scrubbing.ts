import { Resources } from "@longshore/base/resources";
import { scrubStorage, type ScrubObserver, type ScrubResult, type StorageDriver } from "@longshore/storage";
import type { Config, ScrubConfig } from "../../config/config.js";
import { isMirrored } from "../../config/mirrored.js";
import { formatDuration } from "../../observability/duration.js";
import { errorFields, type Log } from "../../observability/log.js";
import { openConfiguredCaches } from "../../open-storage.js";
import { runOnSchedule } from "./schedule.js";

/** How often a running scrub logs its progress (ms). */
const PROGRESS = 10 * 60_000;

export interface ScrubbingPorts {
  readonly log: Log;
  readonly metrics?: { ended(result: ScrubResult | undefined): void } | undefined;
  /** Ends the current scrub, which the next process continues, and starts no more. */
  readonly stop: AbortSignal;
}

/** Scrubs on the configured schedule. A damage is a line of the log with the level `error`. */
export function startScrubbing(
  config: ScrubConfig,
  scrub: (observer: ScrubObserver) => Promise<ScrubResult>,
  { log, metrics, stop }: ScrubbingPorts,
): void {
  if (!config.enabled) return;
  const runOnce = async (): Promise<void> => {
    const began = Date.now();
    let told = began;
    log.info("scrub starting", { rate: config.rate });
    try {
      const result = await scrub({
        finding: ({ message, damage, kind, action }) => {
          if (damage && action !== "repaired") log.error(message, { kind, action });
          else log.warn(message, { kind, action });
        },
        progress: ({ phase, blobs, repositories, damaged }) => {
          if (Date.now() - told < PROGRESS) return;
          told = Date.now();
          log.info("scrub in progress", { phase, blobs, repositories, damaged });
        },
      });
      metrics?.ended(result);
      const { blobs, repositories, damaged, quarantined, repaired, resumed } = result;
      const duration = formatDuration(Date.now() - began);
      log.info("scrub finished", { duration, blobs, repositories, damaged, quarantined, repaired, resumed });
    } catch (error) {
      if (stop.aborted) return;
      metrics?.ended(undefined);
      log.error("the scrub failed and will be continued", errorFields(error));
    }
  };
  const onScheduled = (wait: number): void => log.info(`Starting scrub in ${formatDuration(wait)}`);
  runOnSchedule(config, runOnce, { stop, now: Date.now, random: Math.random, onScheduled });
}

/** Runs one scrub as the configuration says. */
export async function scrubConfigured(
  config: Config,
  { driver, log, signal }: { readonly driver: StorageDriver; readonly log: Log; readonly signal: AbortSignal },
  observer: ScrubObserver,
): Promise<ScrubResult> {
  const { rate, quarantine, repair } = config.storage.maintenance.scrub;
  await using opened = new Resources();
  const { descriptors } = opened.add(await openConfiguredCaches(config, driver, log));
  return await scrubStorage(driver, {
    rate,
    quarantine,
    repair,
    validation: config.validation,
    isCache: (name) => isMirrored(config, name),
    descriptors,
    observer,
    signal,
  });
}
