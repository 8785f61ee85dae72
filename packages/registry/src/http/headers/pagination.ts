import { ApiError } from "../../errors/api-error.js";

const INTEGER = /^[+-]?\d+$/;

/** Go's largest int, which its parser returns for any larger number (wire contract §1.9). */
const MAX_INT = 9223372036854775807n;

/**
 * The `n` parameter; undefined if absent. It is capped at `most`, as the specification allows: a link to the next page then
 * shows that there is more (distribution-spec §Listing Tags). Throws PAGINATION_NUMBER_INVALID, with Distribution's detail
 * because scripts compare it: a number for tags/list, the original string for the catalog (wire contract §1.9).
 */
export function parseCount(text: string | undefined, most: number, detailOf: "number" | "text"): number | undefined {
  if (text === undefined) return undefined;
  const value = INTEGER.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value >= 0n && value <= MAX_INT) return Math.min(Number(value), most);
  throw new ApiError("PAGINATION_NUMBER_INVALID", { detail: { n: detailOf === "text" ? text : goInteger(value) } });
}

function goInteger(value: bigint | undefined): number {
  if (value === undefined) return 0;
  return Number(value > MAX_INT ? MAX_INT : value < -MAX_INT ? -MAX_INT : value);
}

/** `Link` to the page after `last`, relative to the host (wire contract §1.5, RFC 8288). */
export function nextLink(path: string, parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
    .join("&");
  return `<${path}?${query}>; rel="next"`;
}
