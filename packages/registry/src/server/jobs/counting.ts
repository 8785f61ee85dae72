import { Resources } from "@longshore/base/resources";
import type { StorageDriver } from "@longshore/storage";
import type { Config } from "../../config/config.js";
import type { InventoryMetrics } from "../../metrics/inventory-metrics.js";
import { errorFields, type Log } from "../../observability/log.js";
import { openStored } from "../../open-storage.js";

export interface CountingPorts {
  readonly driver: StorageDriver;
  readonly log: Log;
  readonly metrics: InventoryMetrics;
  /** Ends the current count, and starts no more. */
  readonly stop: AbortSignal;
}

/** Counts what all repositories contain now, and again `inventory.metricsinterval` after each count has ended. */
export function startCounting(config: Config, { driver, log, metrics, stop }: CountingPorts): void {
  const isStopped = (): boolean => stop.aborted;
  let timer: NodeJS.Timeout | undefined;
  stop.addEventListener("abort", () => clearTimeout(timer), { once: true });

  const count = async (): Promise<void> => {
    await using opened = new Resources();
    // What was read once is kept until the registry ends.
    const { inventory } = await openStored(config, driver, opened, log, { learns: true });
    while (!isStopped()) {
      try {
        metrics.counted(await inventory.usage("", { signal: stop }));
      } catch (error) {
        if (!isStopped()) log.warn("the contents couldn't be counted for metrics", errorFields(error));
      }
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, config.inventory.metricsinterval).unref();
      });
    }
  };
  count().catch((error: unknown) => {
    if (!isStopped()) log.error("the contents can't be counted for metrics", errorFields(error));
  });
}
