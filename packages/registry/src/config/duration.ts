const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5
  μs: 1e-3, // U+03BC
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The longest duration that Go can hold: 2^63-1 nanoseconds, about 292 years. */
const LONGEST = 2 ** 63 / 1e6;

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu;

/** A whole duration as Go writes it: `168h`, `1h30m`, `-1.5s`, `300ms`, and `0`. */
export const DURATION_PATTERN = /^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/u;

/**
 * Reads a duration of the configuration (contract §3.1).
 * @param value Go's text form, or an integer, which counts nanoseconds
 * @returns milliseconds, perhaps with a fraction; undefined for anything that Go refuses
 */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value / 1e6 : undefined;
  if (!DURATION_PATTERN.test(value)) return undefined;
  let total = 0;
  for (const [, count, unit] of value.matchAll(PART)) {
    total += Number(count) * (MILLISECONDS[unit ?? ""] ?? Number.NaN);
  }
  if (!(total < LONGEST)) return undefined;
  return value.startsWith("-") && total > 0 ? -total : total;
}
