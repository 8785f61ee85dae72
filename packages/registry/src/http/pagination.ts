import { ApiError } from "../errors/api-error.js";

const INTEGER = /^[+-]?\d+$/;

/** Go's largest int: what its parser leaves behind when a number is larger (contract §1.9). */
const MAX_INT = 9223372036854775807n;

/**
 * The `n` parameter; undefined where absent. Throws PAGINATION_NUMBER_INVALID. Its detail differs between the lists, and
 * scripts that compare it find what the original says: a number on tags/list, on the catalog the text (contract §1.9).
 */
export function parseCount(text: string | undefined, detailOf: "number" | "text"): number | undefined {
  if (text === undefined) return undefined;
  const value = INTEGER.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw countInvalid(detailOf === "text" ? text : goInteger(value));
}

/** The refusal of a page size. */
export function countInvalid(n: number | string): ApiError {
  return new ApiError("PAGINATION_NUMBER_INVALID", { detail: { n } });
}

function goInteger(value: bigint | undefined): number {
  if (value === undefined) return 0;
  return Number(value > MAX_INT ? MAX_INT : value < -MAX_INT ? -MAX_INT : value);
}

/** `Link` to the page behind `last`, relative to the host (contract §1.5, RFC 8288). */
export function nextLink(path: string, parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
    .join("&");
  return `<${path}?${query}>; rel="next"`;
}
