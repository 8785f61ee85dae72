import type { IncomingMessage } from "node:http";

/** The error that a client received, for the log. */
export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

/** The decision of access control on a request. */
export type AccessOutcome =
  /** Allowed; also without access control. */
  | "allowed"
  /** It had no credentials and needs some. */
  | "challenged"
  /** Its credentials are wrong. */
  | "failed-login"
  /** Its credentials are right, but it lacks permission. */
  | "denied"
  /** Too many failures preceded it. */
  | "throttled"
  /** Access control is unavailable. */
  | "unavailable";

/** Who a request was from, as far as is known, and its outcome; without secrets. */
export interface AccessRecord {
  readonly outcome: AccessOutcome;
  /** As the client wrote it if the login failed; empty for anonymous. */
  readonly account: string | undefined;
  /** The scopes of an issued token. */
  readonly granted?: readonly string[] | undefined;
  /** What it was asked for. */
  readonly asked?: readonly string[] | undefined;
  /** The source of identities that vouched for the account. */
  readonly source?: string | undefined;
  /** The rules that decided, one for each resource. */
  readonly rules?: readonly string[] | undefined;
  /** The personal access token that was created, shown or revoked, by its id. */
  readonly token?: string | undefined;
  /** Whether the request may do everything except mount from the repository that it names. */
  readonly mountRefused?: true | undefined;
}

/** What a client asked access control for itself: a token, or one of its pages. */
export interface AccessQuestion {
  readonly action: "login" | "logout" | "token" | "tokens";
  /** How the client says who it is: `password`, `anonymous`, or another grant type of the token endpoint. */
  readonly login?: string | undefined;
  /** The scopes, as the client wrote them. */
  readonly asked?: readonly string[] | undefined;
}

/** A request's span, with ids as OpenTelemetry writes them. */
export interface TraceIds {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

/**
 * What is learned about a request while it is handled: the application fills it in, and observers read it when the response
 * is complete. Lives as long as the request.
 */
export interface RequestRecord {
  /** Unique; part of every line that the request causes. */
  readonly id: string;
  /** The metrics label of the route that matched: `base tags manifest blob blob_upload blob_upload_chunk catalog referrers token`. */
  handler?: string | undefined;
  name?: string | undefined;
  reference?: string | undefined;
  digest?: string | undefined;
  uuid?: string | undefined;
  user?: string | undefined;
  /** Undefined for requests of the API. */
  question?: AccessQuestion | undefined;
  /** Undefined until access control has decided. */
  access?: AccessRecord | undefined;
  /** The client's address (`ClientAddresses.of`); undefined on a unix socket. */
  client?: string | undefined;
  /** The client as logs and events show it (`ClientAddresses.shown`). */
  shownClient?: string | undefined;
  error?: ReportedError | undefined;
  /** Told the bytes of body that were received and sent, when the request ends. */
  transferred?: ((bytes: number) => void) | undefined;
  /** Undefined if tracing is disabled. */
  trace?: TraceIds | undefined;
}

const RECORD: unique symbol = Symbol("request record");

/** Attaches the record to a request. A property rather than a WeakMap, because this runs for every request. */
export function attachRecord(request: IncomingMessage & { [RECORD]?: RequestRecord }, record: RequestRecord): void {
  request[RECORD] = record;
}

/** The record of a request; undefined if it isn't observed. */
export function recordOf(request: IncomingMessage & { readonly [RECORD]?: RequestRecord }): RequestRecord | undefined {
  return request[RECORD];
}
