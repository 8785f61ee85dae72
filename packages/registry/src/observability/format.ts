import { quoteValue } from "./quote.js";

/** The values of `log.formatter`. */
export type LogFormat = "text" | "json" | "logstash";

/** One line's content before it is given a form. `time` is RFC 3339. */
export interface LogEntry {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly caller?: { readonly function: string; readonly file: string } | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Gives a line the form that `log.formatter` names, newline included (contract §9.4). */
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

/** Names that a line owns; a field of the same name keeps its value under `fields.<name>`, as in the original. */
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
