import { openAudit } from "../audit/open-audit.js";
import { composeRegistry } from "../compose.js";
import { createMetrics } from "../metrics/metrics.js";
import { listenAddress } from "./address.js";
import { ConnectionTable } from "./connections.js";
import { startDuties } from "./duties.js";
import { connectionLimits } from "./limits.js";
import { announce, drainTimeout, type RunContext } from "./run-context.js";
import { onReloadSignal, reload } from "./reload.js";
import { startServing } from "./serving.js";
import { onStopSignals } from "./stop-signals.js";

/** Everything in one process: serves until a signal stops it. Resolves with the exit code. */
export async function runSingle(context: RunContext): Promise<number> {
  const { config, logs } = context;
  const { log } = logs;
  // Before anything that takes time: process 1 of a container hears only the signals that it listens to.
  const stopped = new Promise<void>((resolve) => {
    onStopSignals(
      (signal) => {
        log.info(
          `${signal}: no new connections are taken; requests under way have ${drainTimeout(config)} ms to finish`,
        );
        resolve();
      },
      (code) => {
        logs.close();
        process.exit(code);
      },
    );
  });
  const connections = new ConnectionTable(await connectionLimits(config.http.limits));
  const metrics = config.http.debug.prometheus.enabled ? createMetrics(() => connections.inFlight()) : undefined;
  let healthy = true;
  const audit = config.log.audit === undefined ? undefined : openAudit(config.log.audit, logs);
  const registry = await composeRegistry(config, {
    secret: context.secret,
    log,
    metrics,
  });
  try {
    const duties = await startDuties(config, {
      driver: registry.driver,
      log,
      onHealth: (failures) => (healthy = Object.keys(failures).length === 0),
      snapshots: async () => (metrics === undefined ? [] : [await metrics.snapshot()]),
    });
    try {
      const address = await listenAddress(config.http);
      const serving = await startServing(config, {
        ...logs,
        app: registry.app,
        isHealthy: () => healthy,
        connections,
        address,
        metrics,
        audit: audit?.audit,
      });
      onReloadSignal(() => void reload({ registry, serving, audit, log }));
      announce(log, config, serving.address);
      await stopped;
      const cut = await serving.stop(drainTimeout(config));
      if (cut > 0) log.warn(`${cut} connections did not finish within http.draintimeout and were cut`);
      return 0;
    } finally {
      duties.stop();
    }
  } finally {
    await registry.close();
    audit?.close();
  }
}
