import type { Middleware } from "koa";
import type { CorsPolicy } from "../cors/policy.js";
import { settleRequest } from "../unread-body.js";

/**
 * Answers preflights before anything asks for credentials, which browsers never send with them, and gives every other
 * answer to a browser, refusals and unknown paths too, the headers without which its script learns nothing
 * (Fetch standard §CORS protocol).
 */
export function cors(policy: CorsPolicy): Middleware {
  return (context, next) => {
    const { req, res } = context;
    const { origin } = req.headers;
    if (policy.varies) res.setHeader("Vary", "Origin");
    if (origin === undefined) return next();
    const wanted = req.headers["access-control-request-method"];
    if (req.method === "OPTIONS" && wanted !== undefined) {
      const headers = policy.preflight(origin, wanted);
      if (headers === undefined) return next();
      context.respond = false;
      const vary = policy.varies ? ["Vary", "Origin"] : [];
      res.writeHead(204, settleRequest(req, res, [...vary, ...headers]));
      res.end();
      return undefined;
    }
    // Handlers write their headers over these, so what `http.headers` says stays what is sent.
    const lines = policy.answer(origin);
    for (let i = 0; i + 1 < lines.length; i += 2) res.setHeader(lines[i] ?? "", lines[i + 1] ?? "");
    return next();
  };
}
