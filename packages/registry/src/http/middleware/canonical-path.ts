import type { Context, Middleware } from "koa";
import { inspectPath, isCanonical, type PathVerdict } from "../path.js";
import { redirect, sendPlain } from "./unmatched.js";

/** Lets routes see decoded, clean paths only, and sends clients with others to those (contract §1.2). */
export const canonicalPath: Middleware = (context, next) => {
  const path = pathOf(context);
  if (path !== undefined && isCanonical(path)) return next();
  const verdict: PathVerdict = path === undefined ? { kind: "malformed" } : inspectPath(path);
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

/** Undefined where the target is in absolute form and names no host that could be: reading it throws then. */
function pathOf(context: Context): string | undefined {
  try {
    return context.path;
  } catch {
    return undefined;
  }
}
