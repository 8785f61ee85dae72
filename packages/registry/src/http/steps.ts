import type { Step } from "./context.js";
import { createCorsPolicy } from "./cors/policy.js";
import type { SharedState } from "./exchange.js";
import type { AppDependencies } from "./shared-state.js";
import { takeOver } from "./response/take-over.js";
import { createRoutes, onRoute } from "./router.js";
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
export function requestSteps(
  shared: SharedState,
  { access, console }: Pick<AppDependencies, "access" | "console">,
): readonly Step[] {
  const routes = createRoutes(shared, console?.routes);
  return [
    takeOver,
    cors(createCorsPolicy(shared.config.http)),
    canonicalPath,
    ...(console === undefined ? [] : [console.page]),
    rootPath,
    routes.match,
    ...(console === undefined ? [] : [onRoute(keepFromCaches)]),
    onRoute(describeRequest),
    onRoute(answerFailures),
    onRoute(authorize(access)),
    // A quota or a limit for a repository belongs here: the identity is known, and nothing has been done yet.
    ...(shared.limits === undefined ? [] : [onRoute(limitClients(shared.limits, shared.onLimited))]),
    onRoute(requireValidName),
    onRoute(callHandler),
    unmatched(routes.isServed),
  ];
}
