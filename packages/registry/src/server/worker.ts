import { openAudit, type AuditLog } from "../audit/open-audit.js";
import { composeRegistry } from "../compose.js";
import { loadSource } from "../config/source.js";
import type { HealthFailures } from "../health/check.js";
import { createMetrics } from "../metrics/metrics.js";
import { openLogs } from "../observability/open-logs.js";
import { listenAddress } from "./address.js";
import { ConnectionTable } from "./connections.js";
import { connectionLimits } from "./limits.js";
import { isPrimaryMessage, type PrimaryMessage, type WorkerMessage } from "./messages.js";
import { describeFatal, drainTimeout, failLoudly } from "./run-context.js";
import { onReloadSignal, reload } from "./reload.js";
import { startServing } from "./serving.js";
import { takeOverSignals } from "./stop-signals.js";

type Start = Extract<PrimaryMessage, { kind: "start" }>;

/** A worker's part: serves what the primary hands it until the primary, or a signal, stops it. Resolves with the exit code. */
export async function runWorker(version: string): Promise<number> {
  const stop = stopRequested();
  const start = await askForStart();
  // Not from the file: it may have been edited since, and all workers must agree on who may do what.
  const { config } = loadSource(start.source, process.env);
  if (config === undefined) throw new Error("the primary's configuration can't be read");
  const logs = openLogs(config.log, { version, instance: start.instance, secrets: [start.secret] });
  failLoudly(logs);
  const { log } = logs;
  // The primary hears of it too, and passes it on: a signal to the whole group must not end us.
  onReloadSignal(() => undefined);
  let audit: AuditLog | undefined;
  try {
    audit = config.log.audit === undefined ? undefined : openAudit(config.log.audit, logs);
    const connections = new ConnectionTable(await connectionLimits(config.http.limits));
    const metrics = config.http.debug.prometheus.enabled ? createMetrics(() => connections.inFlight()) : undefined;
    let healthy = isHealthy(start.health);
    const registry = await composeRegistry(config, { secret: start.secret, log, metrics });
    onPrimary((message) => {
      if (message.kind === "health") healthy = isHealthy(message.failures);
      if (message.kind === "metrics" && metrics !== undefined) {
        void metrics.snapshot().then((snapshot) => tell({ kind: "metrics", id: message.id, snapshot }));
      }
    });
    const address = await listenAddress(config.http, { shared: true });
    const serving = await startServing(config, {
      ...logs,
      app: registry.app,
      isHealthy: () => healthy,
      connections,
      address,
      metrics,
      audit: audit?.audit,
    });
    const reloadable = { registry, serving, audit, log };
    onPrimary((message) => {
      if (message.kind === "reload") void reload(reloadable);
    });
    tell({ kind: "ready", address: serving.address });
    await stop;
    const cut = await serving.stop(drainTimeout(config));
    if (cut > 0) log.warn(`${cut} connections did not finish within http.draintimeout and were cut`);
    await registry.close();
    return 0;
  } catch (error) {
    tell({ kind: "failed", message: describeFatal(error) });
    return 1;
  } finally {
    audit?.close();
    logs.close();
    process.removeAllListeners("disconnect");
    if (process.connected) process.disconnect();
  }
}

/**
 * Resolves when this worker is to stop: the primary says so or is gone, or a signal reaches the whole process group, as
 * from a terminal or a service manager.
 */
function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    takeOverSignals();
    onPrimary((message) => message.kind === "drain" && resolve());
    process.once("disconnect", resolve);
    for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => resolve());
  });
}

function isHealthy(failures: HealthFailures): boolean {
  return Object.keys(failures).length === 0;
}

function askForStart(): Promise<Start> {
  return new Promise((resolve) => {
    onPrimary((message) => message.kind === "start" && resolve(message));
    tell({ kind: "hello" });
  });
}

function onPrimary(listener: (message: PrimaryMessage) => void): void {
  process.on("message", (message) => {
    if (isPrimaryMessage(message)) listener(message);
  });
}

function tell(message: WorkerMessage): void {
  // The channel closes when the primary ends; the worker learns of that by "disconnect".
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
