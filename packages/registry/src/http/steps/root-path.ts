import type { Step } from "../context.js";
import { respond } from "../response/respond.js";

const ROOT_PATH = "/";

/** Whether `path` is where load balancers ask if the process is alive. */
export function isRootPath(path: string): boolean {
  return path === ROOT_PATH;
}

/**
 * Responds at `/`, for load balancers that only check whether the process is alive. Browsers, which ask for HTML, get the console if it
 * is there.
 */
export const rootPath: Step = (next) => (context) => {
  if (context.path !== ROOT_PATH) return next(context);
  respond(context, 200, ["Cache-Control", "no-cache"]);
  return undefined;
};
