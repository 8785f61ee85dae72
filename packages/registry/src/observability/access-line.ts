import { escapeGo } from "./quote.js";
import { redactTarget, redactText } from "./redact.js";
import type { TraceIds } from "./request-record.js";

/** What the access log says of one exchange. */
export interface AccessEntry {
  /** The TCP peer; forwarded headers are not used. */
  readonly peer: string | undefined;
  readonly method: string;
  readonly target: string;
  /** `1.1`, `2.0`. */
  readonly httpVersion: string;
  readonly status: number;
  /** Bytes of body that were produced. */
  readonly size: number;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  /** Undefined where nobody traces: the line is the original's then. */
  readonly trace?: TraceIds | undefined;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Writes access log lines: Apache's combined form (contract §9.4). One per process: it remembers the second's text. */
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
    return `${entry.peer ?? "-"} - - [${stamp}] "${entry.method} ${target} ${protocol}" ${entry.status} ${entry.size} "${referer}" "${agent}"${traceSuffix(entry.trace)}\n`;
  };
}

/** Behind what the combined form has, where its readers ignore it. */
function traceSuffix(trace: TraceIds | undefined): string {
  return trace === undefined ? "" : ` trace_id=${trace.traceId} span_id=${trace.spanId}`;
}

function formatStamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()] ?? ""}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
