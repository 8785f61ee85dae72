/** A span as its id travels between processes (W3C Trace Context). */
export interface RemoteSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Bit 0: somebody records this trace. */
  readonly traceFlags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;

/** The span that a `traceparent` header names; undefined where it names none (W3C Trace Context §3.2). */
export function parseTraceparent(header: string | undefined): RemoteSpan | undefined {
  const match = TRACEPARENT.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = match;
  // Later versions may say more behind what is known; ff is none, and 00 has nothing behind it.
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** The header that names `span`. */
export function formatTraceparent({ traceId, spanId, traceFlags }: RemoteSpan): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`;
}

/** The most that the W3C lets a `baggage` header have (bytes); a longer one isn't passed on. */
const MOST_BAGGAGE = 8192;

/** A `baggage` header as it is passed on, unread: nothing here needs what is in it. */
export function passableBaggage(header: string | undefined): string | undefined {
  return header === undefined || header === "" || header.length > MOST_BAGGAGE ? undefined : header;
}
