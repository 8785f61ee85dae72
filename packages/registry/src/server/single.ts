import { listenAddress } from "./address.js";
import { startDuties } from "./duties.js";
import { announce, drainTimeout, stopRequested, type RunContext } from "./run-context.js";
import { onReloadSignal } from "./reload.js";
import { openService } from "./service.js";
import { startNotifications } from "./start-notifications.js";

/** Everything in one process: serves until a signal stops it. Resolves with the exit code. */
export async function runSingle(context: RunContext): Promise<number> {
  const { config, logs } = context;
  const { log } = logs;
  let serving = 0;
  let draining = false;
  const stopped = stopRequested(context, () => undefined).then(() => void (draining = true));
  const notifications = await startNotifications(config, log);
  const service = await openService(config, { ...context, process: "single", events: notifications?.sink });
  try {
    const duties = await startDuties(config, {
      driver: service.registry.driver,
      log,
      processes: { serving: () => serving, restarts: () => 0, draining: () => draining },
      notifications,
      onHealth: (failures) => service.setHealth(failures),
      metrics: service.metrics,
      snapshots: async () => (service.metrics === undefined ? [] : [await service.metrics.snapshot()]),
    });
    try {
      const address = await service.serve(await listenAddress(config.http));
      serving = 1;
      // Before it is told that we listen: whoever waited for that may send the signal, which ends a process that doesn't hear it.
      onReloadSignal(() => void service.reload());
      announce(log, config, address);
      await stopped;
      const deadline = Date.now() + drainTimeout(config);
      await service.stop();
      await notifications?.stop(deadline - Date.now());
      return 0;
    } finally {
      duties.stop();
    }
  } finally {
    await service.close();
    await notifications?.stop(0);
  }
}
