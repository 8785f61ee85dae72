import type { IncomingMessage, ServerResponse } from "node:http";
import type { Exchange } from "./exchange.js";
import { splitTarget } from "./path.js";
import { responseState, type Recipient, type ResponseState } from "./response/respond.js";
import type { ServedRoute } from "./served-route.js";

/** What the steps of one request know about it. */
export class ApiContext implements Recipient {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly state: ResponseState;
  /** As it was sent until `canonicalPath` has decoded it; undefined if the request's target can't be read. */
  path: string | undefined;
  /** What follows the `?`. */
  readonly queryText: string;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.req = request;
    this.res = response;
    this.state = responseState(request);
    const target = splitTarget(request.url ?? "");
    this.path = target?.path;
    this.queryText = target?.queryText ?? "";
  }

  get method(): string {
    return this.req.method ?? "";
  }
}

/** Responds to a request; with a promise, unless it could at once. */
export type Responder<Subject> = (subject: Subject) => Promise<void> | undefined;

/** Puts something before what responds next: it responds itself, or passes the request on. Put together once, not for each request. */
type StepOf<Subject> = (next: Responder<Subject>) => Responder<Subject>;

/** A step of every request. */
export type Step = StepOf<ApiContext>;

/** A request of a known route. */
export interface Matched {
  readonly route: ServedRoute;
  readonly exchange: Exchange;
}

/** A step of the requests that a route has matched. */
export type MatchedStep = StepOf<Matched>;

/** What responds if a request passes `steps`, in this order, before it arrives at `last`. */
export function compose<Subject>(steps: readonly StepOf<Subject>[], last: Responder<Subject>): Responder<Subject> {
  return steps.reduceRight((next, step) => step(next), last);
}
