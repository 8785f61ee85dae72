import { aborted } from "@longshore/base/abort";
import { Resources } from "@longshore/base/resources";
import { secretsIn } from "@longshore/options/secret";
import { composeWorker } from "./compose.js";
import type { Config } from "./config/config.js";
import { loadSource } from "./config/source.js";
import { openLogs, type Logs } from "./observability/open-logs.js";
import { describeFatal, failLoudly } from "./server/processes/faults.js";
import { openPrimaryChannel, type PrimaryChannel, type StartMessage } from "./server/processes/primary-channel.js";
import { onReloadSignal, takeOverSignals } from "./server/processes/signals.js";

/**
 * Runs a worker: serves connections from the primary until the primary or a signal stops it. Resolves with the exit code.
 */
export async function runWorker(version: string): Promise<number> {
  const primary = openPrimaryChannel();
  const stop = listenForStop(primary);
  const start = await primary.hello();
  // Not from the file: it may have been edited since, and all workers must agree on who may do what.
  const { config } = await loadSource(start.source, process.env);
  if (config === undefined) throw new Error("the primary's configuration can't be read");
  const { instance, secret } = start;
  const logs = openLogs(config.log, { version, instance, secrets: [secret, ...secretsIn(config)] });
  failLoudly(logs);
  // The primary gets the signal too, and passes it on: a signal to the whole group must not end this process.
  onReloadSignal(() => undefined);
  try {
    await serveUntilStopped(config, start, { logs, version, primary, stop });
    return 0;
  } catch (error) {
    primary.tell({ kind: "failed", message: describeFatal(error) });
    return 1;
  } finally {
    logs.close();
    primary.close();
  }
}

interface WorkerContext {
  readonly logs: Logs;
  readonly version: string;
  readonly primary: PrimaryChannel;
  readonly stop: AbortSignal;
}

async function serveUntilStopped(config: Config, start: StartMessage, context: WorkerContext): Promise<void> {
  const { primary, stop } = context;
  await using opened = new Resources();
  const service = opened.add(await composeWorker(config, start, context));
  primary.tell({ kind: "ready", address: (await service.start(stop)) ?? "" });
  await aborted(stop);
  await service.stop();
}

/**
 * Aborted when this worker should stop: the primary says so or has exited, or a signal reaches the whole process group, as
 * from a terminal or a service manager.
 */
function listenForStop(primary: PrimaryChannel): AbortSignal {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error("the registry stops"));
  takeOverSignals();
  primary.onMessage((message) => message.kind === "drain" && abort());
  primary.onClose(abort);
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, abort);
  return stop.signal;
}
