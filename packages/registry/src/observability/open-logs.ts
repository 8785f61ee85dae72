import type { LogConfig } from "../config/config.js";
import type { Log, LogFields } from "./log.js";
import { createLog } from "./create-log.js";
import { openSink, type LineSink } from "./sink.js";

/** The logs of a process. */
export interface Logs {
  readonly log: Log;
  /** On every application log line. */
  readonly fields: LogFields;
  /** Standard output has the access log, standard error everything else. */
  readonly sinks: { readonly access: LineSink; readonly application: LineSink };
  /** Flushes what is buffered. */
  close(): void;
}

/** What distinguishes one registry's lines from another's. */
export interface LogIdentity {
  readonly version: string;
  /** The same for all processes of one registry. */
  readonly instance: string;
  /** Secrets that must never appear. */
  readonly secrets: readonly string[];
}

/** Opens the logs as the `log` section configures them (wire contract §9.4). */
export function openLogs(config: LogConfig, identity: LogIdentity): Logs {
  const sinks = { access: openSink(1), application: openSink(2) };
  const fields: LogFields = {
    "instance.id": identity.instance,
    "node.version": process.version,
    version: identity.version,
    ...config.fields,
  };
  const log = createLog(
    {
      level: config.level,
      format: config.formatter,
      fields,
      reportCaller: config.reportcaller,
      secrets: identity.secrets,
    },
    sinks.application,
  );
  return {
    log,
    fields,
    sinks,
    close() {
      sinks.access.close();
      sinks.application.close();
    },
  };
}
