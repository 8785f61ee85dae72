import { toWireJson } from "./json.js";

/** One entry of the error envelope. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  /** Left out where undefined; null is shown (contract §2). */
  readonly detail?: unknown;
}

/** An answer that refuses: everything but the connection it goes out on. */
export interface WireFailure {
  readonly status: number;
  /** At least one; the first sets the status. */
  readonly errors: readonly [WireError, ...WireError[]];
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the connection must end: what the client still sends can't be told from a request. */
  readonly close: boolean;
}

/** Bytes of the details of one answer: what a client sent comes back in them, and must not come back a megabyte long. */
const DETAIL_LIMIT = 4096;

function bounded({ code, message, detail }: WireError): WireError {
  if (typeof detail === "string" && detail.length > DETAIL_LIMIT)
    return { code, message, detail: `${detail.slice(0, DETAIL_LIMIT)}…` };
  return detail === undefined ? { code, message } : { code, message, detail };
}

/** The body of the error envelope (distribution-spec §Error Codes). */
export function envelope(errors: readonly WireError[]): string {
  return toWireJson({ errors: errors.map(bounded) });
}
