import { openDriver } from "../compose.js";
import { createMetrics } from "../metrics/metrics.js";
import { startDuties, type Duties } from "./duties.js";
import { openTracing } from "../tracing/open-tracing.js";
import { listenAddress } from "./address.js";
import { announce, drainTimeout, stopRequested, type RunContext } from "./run-context.js";
import { onReloadSignal } from "./reload.js";
import { startNotifications } from "./start-notifications.js";
import { WorkerPool } from "./worker-pool.js";

/** How much longer than their exchanges' grace workers may take to end before they are killed (ms). */
const KILL_AFTER = 3000;

/**
 * The primary of a registry that serves with several processes: starts the workers, replaces those that die, and does what
 * must be done once. Resolves with the exit code.
 */
export async function runPrimary(context: RunContext): Promise<number> {
  const { config, logs } = context;
  const { log } = logs;
  // Before the workers come: of several processes one looks after a socket file that was left.
  await listenAddress(config.http);
  const prometheus = config.http.debug.prometheus.enabled;
  const own = prometheus
    ? createMetrics({ process: "primary", version: context.version, connections: undefined })
    : undefined;
  const driver = await openDriver(config, own?.storage);
  // For requests of its own, such as webhooks: the primary answers none.
  const tracing = await openTracing(process.env, { ...context, process: "primary", prefix: config.http.prefix }, log);
  const notifications = await startNotifications(config, log);
  let duties: Duties | undefined;
  const pool = new WorkerPool({
    size: config.http.workers,
    log,
    start: (slot) => ({
      kind: "start",
      process: `worker-${slot}`,
      source: context.source,
      instance: context.instance,
      secret: context.secret,
      health: duties?.health() ?? {},
      events: notifications === undefined ? undefined : { directory: notifications.directory },
    }),
    keepEvents: notifications === undefined ? undefined : (...events) => notifications.keep(...events),
  });
  // Before the workers come: a stop that is asked for while one of them still starts is heard.
  let draining = false;
  const stopped = stopRequested(context, () => pool.kill()).then(() => void (draining = true));
  try {
    duties = await startDuties(config, {
      driver,
      log,
      processes: { serving: () => pool.serving, restarts: () => pool.restarts, draining: () => draining },
      notifications,
      onHealth: (failures) => pool.broadcast({ kind: "health", failures }),
      metrics: own,
      snapshots: async () => [...(own === undefined ? [] : [await own.snapshot()]), ...(await pool.snapshots())],
    });
    onReloadSignal(() => pool.broadcast({ kind: "reload" }));
    const address = await Promise.race([pool.start(), stopped]);
    if (address !== undefined) announce(log, config, address);
    await stopped;
    const deadline = Date.now() + drainTimeout(config);
    await pool.stop(drainTimeout(config) + KILL_AFTER);
    await notifications?.stop(deadline - Date.now());
    return 0;
  } catch (error) {
    pool.kill();
    throw error;
  } finally {
    duties?.stop();
    await notifications?.stop(0);
    await driver.close();
    await tracing?.close();
  }
}
