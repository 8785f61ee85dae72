import type { Step } from "../context.js";
import type { CorsPolicy } from "../cors/policy.js";
import { respond } from "../response/respond.js";

/**
 * Responds to preflights before credentials are checked, since browsers never send any with them. Every other response to a
 * browser, including refusals and unknown paths, gets the headers that allow a script to read it (Fetch standard §CORS
 * protocol). Without a policy it does nothing.
 */
export function cors(policy: CorsPolicy | undefined): Step {
  if (policy === undefined) return (next) => next;
  const vary = policy.varies ? ["Vary", "Origin"] : [];
  return (next) => (context) => {
    const { req, state } = context;
    const { origin } = req.headers;
    if (origin === undefined) {
      state.corsLines = vary;
      return next(context);
    }
    const wanted = req.headers["access-control-request-method"];
    const preflight = req.method === "OPTIONS" && wanted !== undefined ? policy.preflight(origin) : undefined;
    if (preflight === undefined) {
      state.corsLines = [...vary, ...policy.answer(origin)];
      return next(context);
    }
    respond(context, 204, [...vary, ...preflight]);
    return undefined;
  };
}
