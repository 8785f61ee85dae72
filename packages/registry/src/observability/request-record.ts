import type { IncomingMessage } from "node:http";

/** An error as a client was told, for the log. */
export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

/** What access control said to a request. */
export type AccessOutcome =
  /** It may; also where nobody is asked. */
  | "allowed"
  /** It showed no credentials and needs some. */
  | "challenged"
  /** Its credentials are wrong. */
  | "failed-login"
  /** Its credentials are right, and it may not. */
  | "denied"
  /** Too many failures before it. */
  | "throttled"
  /** Nobody could tell. */
  | "unavailable";

/** Who a request was from as far as is known, and what became of it; without anything secret. */
export interface AccessRecord {
  readonly outcome: AccessOutcome;
  /** As the client spelled it where the login failed; empty for anonymous. */
  readonly account: string | undefined;
  /** What a token was issued for. */
  readonly granted?: readonly string[] | undefined;
}

/** The span that a request is in a trace, as OpenTelemetry writes ids. */
export interface TraceIds {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

/**
 * What becomes known of a request on its way: the application fills it in, the observer reads it when the response is
 * over. Lives as long as the request.
 */
export interface RequestRecord {
  /** Unique; stands in every line that the request causes. */
  readonly id: string;
  /** The metrics label of the route that matched: `base tags manifest blob blob_upload blob_upload_chunk catalog referrers token`. */
  handler?: string | undefined;
  name?: string | undefined;
  reference?: string | undefined;
  digest?: string | undefined;
  uuid?: string | undefined;
  user?: string | undefined;
  /** Undefined until access control has answered. */
  access?: AccessRecord | undefined;
  /** Where the client is, behind proxies that are trusted. */
  client?: string | undefined;
  error?: ReportedError | undefined;
  /** Undefined where nobody traces. */
  trace?: TraceIds | undefined;
}

const RECORD: unique symbol = Symbol("request record");

/** Gives a request its record. A property, not a WeakMap: this runs for every request. */
export function attachRecord(request: IncomingMessage & { [RECORD]?: RequestRecord }, record: RequestRecord): void {
  request[RECORD] = record;
}

/** The record of a request; undefined for one that nobody observes. */
export function recordOf(request: IncomingMessage & { readonly [RECORD]?: RequestRecord }): RequestRecord | undefined {
  return request[RECORD];
}
