import type { IncomingMessage } from "node:http";

/** An error as a client was told, for the log. */
export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

/**
 * What becomes known of a request on its way: the application fills it in, the observer reads it when the response is
 * over. Lives as long as the request.
 */
export interface RequestRecord {
  /** Unique; stands in every line that the request causes. */
  readonly id: string;
  /** The metrics label of the route that matched: `base tags manifest blob blob_upload blob_upload_chunk catalog referrers`. */
  handler?: string | undefined;
  name?: string | undefined;
  reference?: string | undefined;
  digest?: string | undefined;
  uuid?: string | undefined;
  user?: string | undefined;
  error?: ReportedError | undefined;
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
