import { listenAddress } from "./address.js";
import { startDuties } from "./duties.js";
import { announce, stopRequested, type RunContext } from "./run-context.js";
import { onReloadSignal } from "./reload.js";
import { openService } from "./service.js";

/** Everything in one process: serves until a signal stops it. Resolves with the exit code. */
export async function runSingle(context: RunContext): Promise<number> {
  const { config, logs } = context;
  const { log } = logs;
  let serving = 0;
  let draining = false;
  const stopped = stopRequested(context, () => undefined).then(() => void (draining = true));
  const service = await openService(config, { ...context, process: "single" });
  try {
    const duties = await startDuties(config, {
      driver: service.registry.driver,
      log,
      processes: { serving: () => serving, restarts: () => 0, draining: () => draining },
      onHealth: (failures) => service.setHealth(failures),
      snapshots: async () => (service.metrics === undefined ? [] : [await service.metrics.snapshot()]),
    });
    try {
      announce(log, config, await service.serve(await listenAddress(config.http)));
      serving = 1;
      onReloadSignal(() => void service.reload());
      await stopped;
      await service.stop();
      return 0;
    } finally {
      duties.stop();
    }
  } finally {
    await service.close();
  }
}
