import type { RateLimit } from "../contract.js";

/** Longest pause that an upstream can ask for (s): a day. */
const LONGEST = 24 * 60 * 60;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The seconds that `Retry-After` asks to wait (RFC 9110 §10.2.3), bounded; undefined where it says nothing readable. `now` in ms. */
export function parseRetryAfter(value: string | string[] | undefined, now: number): number | undefined {
  const text = first(value)?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text), LONGEST);
  // `Date.parse` reads much that is no HTTP date, such as "-5".
  const date = /^[A-Z][a-z]+, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(Math.ceil((date - now) / 1000), 0), LONGEST);
}

/** `100;w=21600`: how many, and in how many seconds. */
const QUOTA = /^(\d{1,12})(?:\s*[;,].*)?$/;
const WINDOW = /[;,]\s*w\s*=\s*(\d{1,9})/;

/**
 * What is left of a rate limit, as Docker Hub's `ratelimit-limit: 100;w=21600` and `ratelimit-remaining` tell, or
 * `x-ratelimit-*` of others.
 */
export function parseRateLimit(headers: Headers): RateLimit | undefined {
  const limitText = first(headers["ratelimit-limit"] ?? headers["x-ratelimit-limit"])?.trim() ?? "";
  const remainingText = first(headers["ratelimit-remaining"] ?? headers["x-ratelimit-remaining"])?.trim() ?? "";
  const limit = QUOTA.exec(limitText)?.[1];
  const remaining = QUOTA.exec(remainingText)?.[1];
  if (limit === undefined || remaining === undefined) return undefined;
  const window = WINDOW.exec(limitText)?.[1];
  return {
    limit: Number(limit),
    remaining: Number(remaining),
    ...(window === undefined ? {} : { window: Number(window) }),
  };
}

function first(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
