import type { IncomingMessage } from "node:http";
import type { AccessController } from "@longshore/auth";
import type { StorageDriver } from "@longshore/storage";
import type { RequestRecord, TraceIds } from "../observability/request-record.js";

/** What tells this process's spans from others'. */
export interface TracingIdentity {
  readonly version: string;
  /** The registry's, the same for all its processes. */
  readonly instance: string;
  /** What this process is called among the registry's. */
  readonly process: string;
  /** `http.prefix`, part of every route's name. */
  readonly prefix: string;
}

/** What became of a request. */
export interface RequestOutcome {
  readonly record: RequestRecord;
  readonly status: number;
  /** Bytes of the answer's body. */
  readonly written: number;
}

/** The span of one request. */
interface RequestSpan {
  readonly ids: TraceIds;
  /** Does `work`; what begins in it, also later, belongs to this span. */
  run(work: () => void): void;
  /** The response is over. */
  end(outcome: RequestOutcome): void;
}

/** What tells a tracing backend what this process does. There is none where tracing is off. */
export interface Tracing {
  /** Begins the span of a request that has just arrived from `peer`. */
  request(request: IncomingMessage, peer: string): RequestSpan;
  /** A driver whose calls have spans, where they are made for a request. */
  driver(driver: StorageDriver): StorageDriver;
  /** A controller whose decisions have spans. */
  access(controller: AccessController): AccessController;
  /** The span that the calling code works for. */
  current(): TraceIds | undefined;
  /** Sends what is left, for a moment at the most. */
  close(): Promise<void>;
}
