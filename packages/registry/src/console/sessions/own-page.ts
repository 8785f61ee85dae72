import type { AuthRequest } from "@longshore/auth";
import { PAGE_HEADER } from "../../http/cors/policy.js";

/**
 * Whether a browser sent the request from a page of this very host, and nothing of another site or host made it do so. Browsers say so
 * themselves (Fetch Metadata §2.3), but not over plain HTTP; there, the page adds a header that other origins may only send after a
 * preflight, which CORS here never allows, and which comes with their origin.
 */
export function isFromOwnPage({ headers, baseUrl }: Pick<AuthRequest, "headers" | "baseUrl">): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  if (headers[PAGE_HEADER] !== "1") return false;
  const { origin } = headers;
  return origin === undefined || origin === originOf(baseUrl);
}

function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}
