import { escapeGo } from "@longshore/base/quote";
import { redactTarget, redactText } from "@longshore/base/redact";
import type { TraceIds } from "./request-record.js";

/** The entry of the access log for one exchange. */
export interface AccessEntry {
  /** The TCP peer; behind trusted proxies, the client they report. */
  readonly client: string | undefined;
  readonly method: string;
  readonly target: string;
  /** `1.1`, `2.0`. */
  readonly httpVersion: string;
  readonly status: number;
  /** Bytes of the body that were produced. */
  readonly size: number;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  /** Undefined if tracing is disabled, in which case the line is Distribution's. */
  readonly trace?: TraceIds | undefined;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Writes access log lines: Apache's combined form (wire contract §9.4). One per process: it remembers the second's text. */
export function createAccessLines(): (entry: AccessEntry, now: number) => string {
  let second = -1;
  let stamp = "";
  return (entry, now) => {
    const current = Math.floor(now / 1000);
    if (current !== second) {
      second = current;
      stamp = formatStamp(new Date(now));
    }
    const protocol = entry.httpVersion === "2.0" ? "HTTP/2.0" : `HTTP/${entry.httpVersion}`;
    const referer = entry.referer === undefined ? "" : escapeGo(redactText(entry.referer));
    const agent = entry.userAgent === undefined ? "" : escapeGo(entry.userAgent);
    const target = escapeGo(redactTarget(entry.target));
    return `${entry.client ?? "-"} - - [${stamp}] "${entry.method} ${target} ${protocol}" ${entry.status} ${entry.size} "${referer}" "${agent}"${traceSuffix(entry.trace)}\n`;
  };
}

/** After the combined form's fields, where parsers ignore it. */
function traceSuffix(trace: TraceIds | undefined): string {
  return trace === undefined ? "" : ` trace_id=${trace.traceId} span_id=${trace.spanId}`;
}

function formatStamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()] ?? ""}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
