import type { Middleware } from "koa";
import { settleRequest } from "../unread-body.js";

/** `/` says that the process is alive, to load balancers that ask nothing else. */
export const alive: Middleware = (context, next) => {
  if (context.path !== "/") return next();
  context.respond = false;
  const { req, res } = context;
  res.writeHead(200, settleRequest(req, res, ["Cache-Control", "no-cache", "Content-Length", "0"]));
  res.end();
  return undefined;
};
