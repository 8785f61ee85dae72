import { compose, type ApiContext, type Responder } from "./context.js";
import { createCorsPolicy } from "./cors/policy.js";
import type { SharedState } from "./exchange.js";
import type { AppDependencies } from "./shared-state.js";
import { createRoutes } from "./router.js";
import { answerFailures } from "./steps/answer-failures.js";
import { authorize } from "./steps/authorize.js";
import { callHandler } from "./steps/call-handler.js";
import { canonicalPath } from "./steps/canonical-path.js";
import { cors } from "./steps/cors.js";
import { describeRequest } from "./steps/describe-request.js";
import { keepFromCaches } from "./steps/keep-from-caches.js";
import { limitClients } from "./steps/limit-clients.js";
import { requireValidName } from "./steps/require-valid-name.js";
import { rootPath } from "./steps/root-path.js";
import { unmatched } from "./steps/unmatched.js";

/** What every request passes, in the order of wire contract §1.1. A new step is a file in `steps/` and a line here. */
export function createResponder(
  shared: SharedState,
  { access, console }: Pick<AppDependencies, "access" | "console">,
): Responder<ApiContext> {
  const routes = createRoutes(shared, console?.routes);
  const matched = compose(
    [
      ...(console === undefined ? [] : [keepFromCaches]),
      describeRequest,
      answerFailures,
      authorize(access),
      // A quota or a limit for a repository belongs here: the identity is known, and nothing has been done yet.
      ...(shared.limits === undefined ? [] : [limitClients(shared.limits, shared.onLimited)]),
      requireValidName,
    ],
    callHandler,
  );
  return compose(
    [
      cors(createCorsPolicy(shared.config.http)),
      canonicalPath,
      ...(console === undefined ? [] : [console.page]),
      rootPath,
      routes.match(matched),
    ],
    unmatched(routes.isServed),
  );
}
