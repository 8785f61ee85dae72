import { redactRecord, redactText } from "@longshore/base/redact";
import { formatEntry, type LogFormat } from "./format.js";
import type { Log, LogFields, LogLevel } from "./log.js";
import type { LineSink } from "./sink.js";

/** The format of the application log: the `log` section, and the fields of every line. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** On every line: `version`, `instance.id`, `log.fields`. */
  readonly fields: LogFields;
  /** Adds the function and file that logged (`log.reportcaller`). */
  readonly reportCaller: boolean;
  /** Secrets that must never appear, such as `http.secret`. */
  readonly secrets?: readonly string[];
}

const LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug"];

/** The application log. Every line is redacted before formatting; see redact.ts. */
export function createLog(options: LogOptions, sink: LineSink): Log {
  const { format, reportCaller, secrets = [] } = options;
  const enabled = new Set(LEVELS.slice(0, LEVELS.indexOf(options.level) + 1));

  const write = (level: LogLevel, message: string, fields: LogFields): void => {
    const entry = {
      time: new Date().toISOString(),
      level: level === "warn" ? "warning" : level,
      message: redactText(message, secrets),
      caller: reportCaller ? findCaller() : undefined,
      fields,
    };
    sink.write(formatEntry(format, entry));
    sink.flush();
  };
  const withFields = (bound: LogFields): Log => {
    const at =
      (level: LogLevel) =>
      (message: string, fields?: LogFields): void => {
        if (enabled.has(level)) write(level, message, redactRecord({ ...bound, ...fields }, secrets));
      };
    return {
      error: at("error"),
      warn: at("warn"),
      info: at("info"),
      debug: at("debug"),
      disclose: (message, fields) => {
        if (enabled.has("warn")) write("warn", message, { ...bound, ...fields });
      },
      child: (fields) => withFields({ ...bound, ...fields }),
    };
  };
  return withFields(options.fields);
}

/** The caller of the log: the first frame outside of this file and trace-log.ts. */
function findCaller(): { function: string; file: string } | undefined {
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  const frame = frames.find((text) => !text.includes("create-log.") && !text.includes("trace-log."));
  const match = /at (?:(.+) \()?(?:file:\/\/)?(.+?):(\d+):\d+\)?$/.exec(frame ?? "");
  if (match === null) return undefined;
  const [, name, path, line] = match;
  return { function: name ?? "anonymous", file: `${path?.split("/").slice(-3).join("/") ?? ""}:${line ?? ""}` };
}
