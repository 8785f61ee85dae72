import type { MatchedStep } from "../context.js";
import { PAGE_HEADER } from "../cors/policy.js";
import { CONSOLE_ASSET } from "../console.js";

/**
 * Keeps from caches whatever answers a browser with a cookie, or the console's page: refusals, too, and whether or not its session counts.
 * The page's files are the same for everyone.
 */
export const keepFromCaches: MatchedStep = (next) => (matched) => {
  const { route, exchange } = matched;
  const { headers } = exchange.request;
  const isPersonal = headers.cookie !== undefined || headers[PAGE_HEADER] !== undefined;
  if (isPersonal && route.name !== CONSOLE_ASSET) exchange.to.state.isPersonal = true;
  return next(matched);
};
