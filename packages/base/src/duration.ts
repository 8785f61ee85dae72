/** Milliseconds. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5
  μs: 1e-3, // U+03BC
  ms: 1,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
};

/** The longest duration that Go can hold: 2^63-1 nanoseconds, about 292 years. */
const LONGEST = 2 ** 63 / 1e6;

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu;

/** A complete duration as Go writes it: `168h`, `1h30m`, `-1.5s`, `300ms`, and `0`. */
export const DURATION_PATTERN = /^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/u;

/**
 * Reads a duration as Go's `time.ParseDuration` does.
 * @param value Go's text form, or an integer, which counts nanoseconds
 * @returns milliseconds, possibly fractional; undefined for anything that Go rejects
 */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value / 1e6 : undefined;
  if (!DURATION_PATTERN.test(value)) return undefined;
  let total = 0;
  for (const [, count, unit] of value.matchAll(PART)) {
    total += Number(count) * (UNITS[unit ?? ""] ?? Number.NaN);
  }
  if (!(total < LONGEST)) return undefined;
  return value.startsWith("-") && total > 0 ? -total : total;
}
