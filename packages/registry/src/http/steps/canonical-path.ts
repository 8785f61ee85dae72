import type { Step } from "../context.js";
import { inspectPath, isCanonical, type PathVerdict } from "../path.js";
import { redirect, sendPlain } from "./unmatched.js";

/**
 * Passes only decoded, clean paths to the routes, and redirects clients from other spellings to them (wire contract §1.2).
 */
export const canonicalPath: Step = (next) => (context) => {
  const { path } = context;
  if (path !== undefined && isCanonical(path)) return next(context);
  const verdict: PathVerdict = path === undefined ? { kind: "malformed" } : inspectPath(path);
  switch (verdict.kind) {
    case "canonical":
      context.path = verdict.path;
      return next(context);
    case "redirect":
      redirect(context, verdict.location);
      return undefined;
    case "malformed":
      sendPlain(context, 400, "400 Bad Request\n");
      return undefined;
  }
};
