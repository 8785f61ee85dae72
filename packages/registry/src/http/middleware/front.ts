import type { Middleware } from "koa";
import { envelope } from "../../errors/wire-error.js";
import { ERROR_CODES } from "../../errors/codes.js";
import { settleRequest } from "../unread-body.js";

/** In the original's words (contract §1.1). */
const UNHEALTHY = envelope([
  {
    code: "UNAVAILABLE",
    message: ERROR_CODES.UNAVAILABLE.message,
    detail: "health check failed: please see /debug/health",
  },
]);

/** Answers 503 to everything, `/` too, while the registry isn't fit to serve. */
export function healthGate(isHealthy: () => boolean): Middleware {
  return (context, next) => {
    if (isHealthy()) return next();
    context.respond = false;
    const { req, res } = context;
    const headers = ["Content-Type", "application/json", "Content-Length", String(Buffer.byteLength(UNHEALTHY))];
    res.writeHead(ERROR_CODES.UNAVAILABLE.status, settleRequest(req, res, headers));
    if (req.method === "HEAD") res.end();
    else res.end(UNHEALTHY);
    return undefined;
  };
}

/** `/` says that the process is alive, to load balancers that ask nothing else. */
export const alive: Middleware = (context, next) => {
  if (context.path !== "/") return next();
  context.respond = false;
  const { req, res } = context;
  res.writeHead(200, settleRequest(req, res, ["Cache-Control", "no-cache", "Content-Length", "0"]));
  res.end();
  return undefined;
};
