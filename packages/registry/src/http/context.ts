import type { RouterContext } from "@koa/router";
import type { ParameterizedContext } from "koa";
import type { Exchange } from "./exchange.js";
import type { ResponseState } from "./response/respond.js";
import type { ServedRoute } from "./served-route.js";

/** A request that the router has matched. */
interface Matched {
  readonly route: ServedRoute;
  readonly exchange: Exchange;
}

/** What the steps of one request pass to each other on `ctx.state`. */
export interface ApiState extends ResponseState {
  /** Undefined until the router has matched a route. */
  matched?: Matched;
}

/** Koa's context of one request. */
export type ApiContext = ParameterizedContext<ApiState, Pick<RouterContext<ApiState>, "params" | "router">>;

type Next = () => Promise<void>;

/** One step of the application, a Koa middleware: it responds, or calls the next one. */
export type Step = (context: ApiContext, next: Next) => Promise<void> | undefined;

/** A step that runs only for requests that a route has matched. */
export type MatchedStep = (matched: Matched, next: Next) => Promise<void> | undefined;
