import { ApiError } from "../../errors/api-error.js";
import type { Exchange } from "../exchange.js";
import { createCorsPolicy } from "./policy.js";

/**
 * Refuses a request that a page of another site made a browser send, unless `http.cors` allows that site. A browser asks before a
 * DELETE; a plain POST it sends at once, with the login that it remembers (Fetch standard §CORS-safelisted method). Throws DENIED.
 */
export function refuseForeignPage({ request, shared }: Exchange): void {
  const { origin } = request.headers;
  if (origin === undefined || request.headers["sec-fetch-site"] === "same-origin") return;
  const own = shared.urls.registry(request);
  if (URL.canParse(own) && new URL(own).origin === origin) return;
  if (createCorsPolicy(shared.config.http)?.preflight(origin) !== undefined) return;
  throw new ApiError("DENIED", {
    detail: `pages of ${origin} may not do this; http.cors.origins lists those that may`,
  });
}
