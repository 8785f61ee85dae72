/** Decimal, as Docker and Docker Hub show sizes. */
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** A size with three significant digits: `3.42 MB`, `17 B`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}

/** A whole number with its thousands apart: `12,345`. As Intl would write it, and not by it: see time.ts. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
