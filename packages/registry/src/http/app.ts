import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiContext } from "./context.js";
import { sendFailure } from "./response/failure.js";
import { createSharedState, type AppDependencies } from "./shared-state.js";
import { createResponder } from "./steps.js";

/** Answers one request, of either protocol version: HTTP/2's come through the compatibility API of `node:http2`. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** The application, as called by servers of either protocol. */
export interface App {
  /**
   * For the server's `request` event and its `checkContinue` event alike: clients that announce a body with
   * `Expect: 100-continue` are refused before they send it.
   */
  readonly onRequest: RequestListener;
}

/** The whole API behind the health gate. The server attaches a request record first if the request is to be seen in logs and metrics. */
export function createApp(dependencies: AppDependencies): App {
  const shared = createSharedState(dependencies);
  const respondTo = createResponder(shared, dependencies);
  return {
    onRequest(request, response) {
      const context = new ApiContext(request, response);
      // What fails in a handler has been answered: only a bug in a step arrives here.
      const fail = (error: unknown): void => sendFailure(shared, context, error);
      try {
        respondTo(context)?.catch(fail);
      } catch (error) {
        fail(error);
      }
    },
  };
}
