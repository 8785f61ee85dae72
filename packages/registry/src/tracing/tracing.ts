import type { IncomingMessage } from "node:http";
import type { AccessController } from "@longshore/auth";
import type { StorageDriver } from "@longshore/storage";
import type { RequestRecord, TraceIds } from "../observability/request-record.js";

/** What distinguishes this process's spans from others'. */
export interface TracingIdentity {
  readonly version: string;
  /** The registry's id, the same for all its processes. */
  readonly instance: string;
  /** This process's name within the registry. */
  readonly process: string;
  /** `http.prefix`, part of every route's name. */
  readonly prefix: string;
}

/** The outcome of a request. */
export interface RequestOutcome {
  readonly record: RequestRecord;
  readonly status: number;
  /** Bytes of the response's body. */
  readonly written: number;
}

/** The span of one request. */
interface RequestSpan {
  readonly ids: TraceIds;
  /** Runs `work`. Everything started in it, even asynchronously, belongs to this span. */
  run(work: () => void): void;
  /** Ends the span when the response is complete. */
  end(outcome: RequestOutcome): void;
}

/** Reports what this process does to a tracing backend. Doesn't exist if tracing is off. */
export interface Tracing {
  /** Starts the span of a request that has just arrived from `peer`. */
  request(request: IncomingMessage, peer: string): RequestSpan;
  /** Wraps a driver so that calls made for a request have spans. */
  driver(driver: StorageDriver): StorageDriver;
  /** Wraps a controller so that its decisions have spans. */
  access(controller: AccessController): AccessController;
  /** The span that the calling code belongs to. */
  current(): TraceIds | undefined;
  /** Sends the remaining spans, within a short time limit. */
  close(): Promise<void>;
}
