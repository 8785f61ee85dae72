import type { MatchedStep } from "../context.js";

/**
 * Refuses invalid repository names, after checking credentials and before checking the method (wire contract §1.2). Throws
 * NAME_INVALID.
 */
export const requireValidName: MatchedStep = (next) => (matched) => {
  const { route, exchange } = matched;
  if (route.hasName) void exchange.repository;
  return next(matched);
};
