import type { ApiContext, Step } from "../context.js";
import { inspectPath, isCanonical, type PathVerdict } from "../path.js";
import { redirect, sendPlain } from "./unmatched.js";

/**
 * Passes only decoded, clean paths to the routes, and redirects clients from other spellings to them (wire contract §1.2).
 */
export const canonicalPath: Step = (context, next) => {
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

/** Undefined if the target is in absolute form with an invalid host, in which case reading it throws. */
function pathOf(context: ApiContext): string | undefined {
  try {
    return context.path;
  } catch {
    return undefined;
  }
}
