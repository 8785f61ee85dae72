import { formatDuration } from "./duration.js";
import { textField, type LogFormat } from "./format.js";
import type { LogFields } from "./log.js";
import { quoteValue } from "./quote.js";
import { redactRecord, redactTarget, redactText } from "@longshore/base/redact";
import type { ReportedError, RequestRecord } from "./request-record.js";

/** The entry of the application log for a completed exchange. */
export interface CompletionEntry {
  readonly record: RequestRecord;
  readonly method: string;
  readonly host: string | undefined;
  readonly target: string;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly requestType: string | undefined;
  readonly responseType: string | undefined;
  readonly status: number;
  readonly written: number;
  /** Milliseconds. */
  readonly duration: number;
}

type Value = string | number | undefined;

/** One field of a line. What it wrote last is kept: hosts, clients, types and statuses are nearly always those of the line before. */
interface Slot {
  /** What stands before a value. */
  readonly lead: string;
  readonly read: (entry: CompletionEntry) => Value;
  last: Value;
  /** The field with its last value; empty without one. */
  written: string;
}

const READERS: Readonly<Record<string, (entry: CompletionEntry) => Value>> = {
  "auth.user.name": ({ record: { user } }) => (user === undefined ? undefined : redactText(user)),
  // Distribution writes a code as words: `blob unknown`.
  "err.code": (entry) => entry.record.error?.code.toLowerCase().replaceAll("_", " "),
  "err.detail": (entry) => describeDetail(entry.record.error),
  "err.message": (entry) => entry.record.error?.message,
  "http.request.contenttype": (entry) => entry.requestType,
  "http.request.host": (entry) => entry.host,
  "http.request.id": (entry) => entry.record.id,
  "http.request.method": (entry) => entry.method,
  "http.request.referer": (entry) => (entry.referer === undefined ? undefined : redactText(entry.referer)),
  "http.request.remoteaddr": (entry) => entry.remoteAddress,
  "http.request.uri": (entry) => redactTarget(entry.target),
  "http.request.useragent": (entry) => entry.userAgent,
  "http.response.contenttype": (entry) => entry.responseType,
  "http.response.duration": (entry) => formatDuration(entry.duration),
  "http.response.status": (entry) => entry.status,
  "http.response.written": (entry) => entry.written,
  span_id: (entry) => entry.record.trace?.spanId,
  trace_id: (entry) => entry.record.trace?.traceId,
  "vars.digest": (entry) => entry.record.digest,
  "vars.name": (entry) => entry.record.name,
  "vars.reference": (entry) => entry.record.reference,
  "vars.uuid": (entry) => entry.record.uuid,
};

/**
 * Creates the writer of `response completed` lines. It runs for every request, so the order of the keys, the static fields
 * and every `key=` are computed here, in advance; a line takes a few microseconds.
 */
export function createCompletionLines(
  format: LogFormat,
  staticFields: LogFields,
): (entry: CompletionEntry, time: string) => string {
  const fields = redactRecord(staticFields, []);
  const text = format === "text";
  const keys = [...new Set([...Object.keys(READERS), ...Object.keys(fields)])].sort();
  const slots: readonly (Slot | string)[] = mergeStatic(
    keys.map((key) => {
      const read = READERS[key];
      const lead = text ? ` ${key}=` : `,${JSON.stringify(key)}:`;
      if (read !== undefined) return { lead, read, last: undefined, written: "" };
      return text ? textField(key, fields[key]) : lead + JSON.stringify(fields[key]);
    }),
  );
  const value = text ? textValue : JSON.stringify;
  return (entry, time) => {
    const failed = entry.record.error !== undefined;
    const level = failed && isForPeople(entry.status) ? "error" : "info";
    const message = failed ? "response completed with error" : "response completed";
    let line = text
      ? `time="${time}" level=${level} msg="${message}"`
      : `{"level":"${level}","msg":"${message}","time":"${time}"`;
    for (const slot of slots) {
      if (typeof slot === "string") {
        line += slot;
      } else {
        const found = slot.read(entry);
        if (found !== slot.last) {
          slot.last = found;
          slot.written = found === undefined ? "" : slot.lead + value(found);
        }
        line += slot.written;
      }
    }
    return text ? `${line}\n` : `${line}}\n`;
  };
}

/** Whether a person should look at a response: one that failed here, rather than a request that was refused. */
export function isForPeople(status: number): boolean {
  return status >= 500;
}

function textValue(value: string | number): string {
  return typeof value === "number" ? String(value) : quoteValue(value);
}

function mergeStatic(slots: readonly (Slot | string)[]): (Slot | string)[] {
  const merged: (Slot | string)[] = [];
  for (const slot of slots) {
    const last = merged.at(-1);
    if (typeof slot === "string" && typeof last === "string") merged[merged.length - 1] = last + slot;
    else merged.push(slot);
  }
  return merged;
}

function describeDetail(error: ReportedError | undefined): string | undefined {
  if (error?.detail === undefined) return undefined;
  return redactText(typeof error.detail === "string" ? error.detail : JSON.stringify(error.detail));
}
