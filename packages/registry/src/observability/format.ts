import { quoteValue } from "./quote.js";

/** The values of `log.formatter`. */
export type LogFormat = "text" | "json" | "logstash";

/** The content of one line before formatting. `time` is RFC 3339. */
export interface LogEntry {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly caller?: { readonly function: string; readonly file: string } | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Formats a line as `log.formatter` says, including the newline (wire contract §9.4). */
export function formatEntry(format: LogFormat, entry: LogEntry): string {
  return format === "text" ? formatText(entry) : formatJson(entry, format === "logstash" ? "function" : "func");
}

function formatText(entry: LogEntry): string {
  let line = `time="${entry.time}" level=${entry.level} msg=${quoteValue(entry.message)}`;
  const { error, ...others } = entry.fields;
  if (error !== undefined) line += textField("error", error);
  if (entry.caller !== undefined)
    line += textField("func", entry.caller.function) + textField("file", entry.caller.file);
  for (const key of Object.keys(others).sort()) {
    if (others[key] !== undefined) line += textField(key, others[key]);
  }
  return `${line}\n`;
}

/** One ` key=value` of the text format. */
export function textField(key: string, value: unknown): string {
  return ` ${key}=${quoteValue(asText(value))}`;
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  return JSON.stringify(value);
}

/** Reserved names of a line; a field with such a name appears as `fields.<name>`, as in Distribution. */
const OWN_NAMES = new Set(["time", "level", "msg"]);

function formatJson(entry: LogEntry, callerKey: string): string {
  const all: Record<string, unknown> = { time: entry.time, level: entry.level, msg: entry.message };
  if (entry.caller !== undefined) Object.assign(all, { [callerKey]: entry.caller.function, file: entry.caller.file });
  for (const [key, value] of Object.entries(entry.fields)) all[OWN_NAMES.has(key) ? `fields.${key}` : key] = value;
  return `${JSON.stringify(
    Object.fromEntries(
      Object.keys(all)
        .sort()
        .map((key) => [key, all[key]]),
    ),
  )}\n`;
}
