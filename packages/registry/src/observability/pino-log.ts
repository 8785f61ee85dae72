import { pino, type Logger as PinoLogger } from "pino";
import { formatEntry, type LogFormat } from "./format.js";
import type { Log, LogFields, LogLevel } from "./log.js";
import { redactRecord, redactText } from "./redact.js";
import type { LineSink } from "./sink.js";

/** How the application log looks: the `log` section, and what every line carries. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** On every line: `version`, `instance.id`, `log.fields`. */
  readonly fields: LogFields;
  /** Adds the function and file that logged (`log.reportcaller`). */
  readonly reportCaller: boolean;
  /** Texts that must never appear, such as `http.secret`. */
  readonly secrets?: readonly string[];
}

/** The application log. Every line passes redaction before it is given a form; see redact.ts. */
export function createLog(options: LogOptions, sink: LineSink): Log {
  const stream = { write: (json: string): void => writeEntry(json, options, sink) };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label === "warn" ? "warning" : label }) },
    },
    stream,
  );
  return port(logger, options.fields, options.reportCaller);
}

function port(logger: PinoLogger, bound: LogFields, reportCaller: boolean): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (!logger.isLevelEnabled(level)) return;
      // Nested, so that no field can collide with what the line itself owns.
      logger[level]({ fields: { ...bound, ...fields }, caller: reportCaller ? findCaller() : undefined }, message);
    };
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    disclose(message, fields) {
      logger.warn({ fields: { ...bound, ...fields }, caller: undefined, disclosed: true }, message);
    },
    child: (fields) => port(logger, { ...bound, ...fields }, reportCaller),
  };
}

interface PinoLine {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly fields: Record<string, unknown>;
  readonly caller?: { readonly function: string; readonly file: string };
  readonly disclosed?: boolean;
}

/** What pino hands over was written by {@link port}: checked for its outline only. */
function isPinoLine(value: unknown): value is PinoLine {
  return typeof value === "object" && value !== null && "fields" in value && "msg" in value && "level" in value;
}

function writeEntry(json: string, options: LogOptions, sink: LineSink): void {
  const line: unknown = JSON.parse(json);
  if (!isPinoLine(line)) return;
  const secrets = options.secrets ?? [];
  sink.write(
    formatEntry(options.format, {
      time: line.time,
      level: line.level,
      message: redactText(line.msg, secrets),
      caller: line.caller,
      fields: line.disclosed === true ? line.fields : redactRecord(line.fields, secrets),
    }),
  );
  sink.flush();
}

/** Who called the log: the first frame outside of this file and of trace-log.ts. */
function findCaller(): { function: string; file: string } | undefined {
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  const frame = frames.find((text) => !text.includes("pino-log.") && !text.includes("trace-log."));
  const match = /at (?:(.+) \()?(?:file:\/\/)?(.+?):(\d+):\d+\)?$/.exec(frame ?? "");
  if (match === null) return undefined;
  const [, name, path, line] = match;
  return { function: name ?? "anonymous", file: `${path?.split("/").slice(-3).join("/") ?? ""}:${line ?? ""}` };
}
