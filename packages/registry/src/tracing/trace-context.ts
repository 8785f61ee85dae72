/** A span's context as it is passed between processes (W3C Trace Context). */
export interface RemoteSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Bit 0 is set if the trace is recorded. */
  readonly traceFlags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;

/** The span that a `traceparent` header names; undefined if the header is invalid (W3C Trace Context §3.2). */
export function parseTraceparent(header: string | undefined): RemoteSpan | undefined {
  const match = TRACEPARENT.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = match;
  // Later versions may append fields to the known ones; ff is invalid, and 00 has no further fields.
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** The `traceparent` header for `span`. */
export function formatTraceparent({ traceId, spanId, traceFlags }: RemoteSpan): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`;
}

/** The W3C's limit for a `baggage` header (bytes); a longer one isn't passed on. */
const MOST_BAGGAGE = 8192;

/** A `baggage` header, passed on unread because nothing here needs its contents. */
export function passableBaggage(header: string | undefined): string | undefined {
  return header === undefined || header === "" || header.length > MOST_BAGGAGE ? undefined : header;
}
