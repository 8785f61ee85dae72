/** Builders write 1970, 1980 or the year 1 for "not set". There was no container image before this. */
const FIRST = Date.UTC(2000, 0, 1);

/** The moment that `text` (RFC 3339) means, in ms since 1970; undefined if it is absent or stands for "not set". */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) || time < FIRST ? undefined : time;
}

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** In seconds, largest first. */
const UNITS = [
  ["year", 31_556_952],
  ["month", 2_629_746],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

/** `time` as seen from `now` (both ms since 1970): `3 days ago`, `just now`. */
export function formatAge(time: number, now: number): string {
  const seconds = (time - now) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return RELATIVE.format(Math.trunc(seconds / length), unit);
  }
  return "just now";
}

const UNTIL = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** How long it is until `time` (both ms since 1970), in the units that deadlines are set in: `in 90 days`, `in 5 hours`. */
export function formatUntil(time: number, now: number): string {
  const left = time - now;
  if (left >= 730 * DAY) return UNTIL.format(Math.round(left / (365.25 * DAY)), "year");
  if (left >= 2 * DAY) return UNTIL.format(Math.round(left / DAY), "day");
  return left >= HOUR
    ? UNTIL.format(Math.round(left / HOUR), "hour")
    : UNTIL.format(Math.ceil(left / 60_000), "minute");
}

/** In the browser's zone, which it names. */
export function formatMoment(time: number): string {
  return new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });
}

/** In UTC, to the second: `2026-11-30 02:09:20 UTC`. */
export function formatUtc(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
