import type { Middleware } from "koa";
import { attachLines } from "../cors/lines.js";
import type { CorsPolicy } from "../cors/policy.js";
import { settleRequest } from "../unread-body.js";

/**
 * Answers preflights before anything asks for credentials, which browsers never send with them, and gives every other
 * answer to a browser, refusals and unknown paths too, the headers without which its script learns nothing
 * (Fetch standard §CORS protocol).
 */
export function cors(policy: CorsPolicy): Middleware {
  const vary = policy.varies ? ["Vary", "Origin"] : [];
  return (context, next) => {
    const { req, res } = context;
    const { origin } = req.headers;
    if (origin === undefined) {
      attachLines(req, vary);
      return next();
    }
    const wanted = req.headers["access-control-request-method"];
    const preflight = req.method === "OPTIONS" && wanted !== undefined ? policy.preflight(origin) : undefined;
    if (preflight === undefined) {
      attachLines(req, [...vary, ...policy.answer(origin)]);
      return next();
    }
    context.respond = false;
    res.writeHead(204, settleRequest(req, res, [...vary, ...preflight]));
    res.end();
    return undefined;
  };
}
