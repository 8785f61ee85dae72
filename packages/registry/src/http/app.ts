import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import Koa from "koa";
import { errorFields } from "../observability/log.js";
import type { ApiState } from "./context.js";
import { createSharedState, type AppDependencies } from "./shared-state.js";
import { requestSteps } from "./steps.js";

/** Answers one request, of either protocol version. */
export type RequestListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** The application, as called by `node:http` servers and the compatibility API of `node:http2`. */
export interface App {
  /**
   * For the server's `request` event and its `checkContinue` event alike: clients that announce a body with
   * `Expect: 100-continue` are refused before they send it.
   */
  readonly onRequest: RequestListener;
}

/** The whole API behind the health gate. The server attaches a request record first if the request is to be seen in logs and metrics. */
export function createApp(dependencies: AppDependencies): App {
  const { log } = dependencies;
  const koa = new Koa<ApiState>();
  for (const step of requestSteps(createSharedState(dependencies), dependencies)) koa.use(step);
  // Only failures outside a handler arrive here: a socket error after a response, or a bug in a step.
  koa.on("error", (error: unknown) => log.debug("connection failed", errorFields(error)));
  const handle = koa.callback();
  return { onRequest: (request, response) => void handle(request, response) };
}
