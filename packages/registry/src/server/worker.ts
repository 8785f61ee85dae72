import { secretsIn } from "../config/secret.js";
import { loadSource } from "../config/source.js";
import { openLogs } from "../observability/open-logs.js";
import { listenAddress } from "./address.js";
import { isPrimaryMessage, type PrimaryMessage, type WorkerMessage } from "./messages.js";
import { onReloadSignal } from "./reload.js";
import { describeFatal, failLoudly } from "./run-context.js";
import { openService, type Service } from "./service.js";
import { takeOverSignals } from "./stop-signals.js";
import { startWorkerEvents } from "./worker-events.js";

type Start = Extract<PrimaryMessage, { kind: "start" }>;

/** A worker's part: serves what the primary hands it until the primary, or a signal, stops it. Resolves with the exit code. */
export async function runWorker(version: string): Promise<number> {
  const stop = stopRequested();
  const start = await askForStart();
  // Not from the file: it may have been edited since, and all workers must agree on who may do what.
  const { config } = loadSource(start.source, process.env);
  if (config === undefined) throw new Error("the primary's configuration can't be read");
  const logs = openLogs(config.log, {
    version,
    instance: start.instance,
    secrets: [start.secret, ...secretsIn(config)],
  });
  failLoudly(logs);
  // The primary hears of it too, and passes it on: a signal to the whole group must not end us.
  onReloadSignal(() => undefined);
  const events =
    start.events === undefined
      ? undefined
      : startWorkerEvents({ tell, onMessage: onPrimary }, start.events.directory, logs.log);
  let service: Service | undefined;
  try {
    const opened = (service = await openService(config, { ...start, logs, version, events: events?.sink }));
    opened.setHealth(start.health);
    onPrimary((message) => {
      if (message.kind === "health") opened.setHealth(message.failures);
      if (message.kind === "metrics" && opened.metrics !== undefined) {
        void opened.metrics.snapshot().then((snapshot) => tell({ kind: "metrics", id: message.id, snapshot }));
      }
      if (message.kind === "reload") void opened.reload();
    });
    tell({ kind: "ready", address: await opened.serve(await listenAddress(config.http, { shared: true })) });
    await stop;
    await opened.stop();
    await events?.close();
    return 0;
  } catch (error) {
    tell({ kind: "failed", message: describeFatal(error) });
    return 1;
  } finally {
    await service?.close();
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

/** False where the channel is closed. It closes when the primary ends; the worker learns of that by "disconnect". */
function tell(message: WorkerMessage): boolean {
  if (!process.connected) return false;
  process.send?.(message, undefined, undefined, () => undefined);
  return true;
}
