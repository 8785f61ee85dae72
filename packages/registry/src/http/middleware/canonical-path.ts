import type { Middleware } from "koa";
import { inspectPath, isCanonical } from "../path.js";
import { redirect, sendPlain } from "./unmatched.js";

/** Lets routes see decoded, clean paths only, and sends clients with others to those (contract §1.2). */
export const canonicalPath: Middleware = (context, next) => {
  const { path } = context;
  if (isCanonical(path)) return next();
  const verdict = inspectPath(path);
  switch (verdict.kind) {
    case "canonical":
      context.path = verdict.path;
      return next();
    case "redirect":
      redirect(context, verdict.location);
      return undefined;
    case "malformed":
      sendPlain(context, 400, "400 Bad Request\n");
      return undefined;
  }
};
