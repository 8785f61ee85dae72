import { toWireJson } from "./json.js";

/** One entry of the error envelope. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  /** Omitted if undefined; null is sent (wire contract §2). */
  readonly detail?: unknown;
}

/** A refusal, independent of the connection it is sent on. */
export interface WireFailure {
  readonly status: number;
  /** At least one; the first sets the status. */
  readonly errors: readonly [WireError, ...WireError[]];
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the connection must be closed, because what the client still sends can't be told apart from a new request. */
  readonly close: boolean;
  /** Members of the body beside the envelope's, for clients that read OAuth 2's (RFC 6749 §5.2). */
  readonly beside?: Readonly<Record<string, string>> | undefined;
}

/** The most characters of one error's detail: it may quote what the client sent, which could be a megabyte long. */
const DETAIL_LIMIT = 4096;

function bounded({ code, message, detail }: WireError): WireError {
  if (typeof detail === "string" && detail.length > DETAIL_LIMIT)
    return { code, message, detail: `${detail.slice(0, DETAIL_LIMIT)}…` };
  return detail === undefined ? { code, message } : { code, message, detail };
}

/** The body of the error envelope (distribution-spec §Error Codes). */
export function envelope(errors: readonly WireError[], beside?: WireFailure["beside"]): string {
  return toWireJson({ errors: errors.map(bounded), ...beside });
}
