/** Builders write 1970, 1980 or the year 1 for "not set". There was no container image before this. */
const FIRST = Date.UTC(2000, 0, 1);

/** The moment that `text` (RFC 3339) means, in ms since 1970; undefined if it is absent or stands for "not set". */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) || time < FIRST ? undefined : time;
}

/*
 * Times are written as Intl would write them, and not by it: the first of its formatters takes a quarter of a second on a slow
 * processor, before anything is shown.
 */

/** What one unit ago, and in one unit, is called. */
const NEXT_TO_NOW: Readonly<Record<string, readonly [string, string]>> = {
  day: ["yesterday", "tomorrow"],
  week: ["last week", "next week"],
  month: ["last month", "next month"],
  year: ["last year", "next year"],
};

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
    if (Math.abs(seconds) < length) continue;
    const count = Math.trunc(Math.abs(seconds) / length);
    const [last, next] = (count === 1 ? NEXT_TO_NOW[unit] : undefined) ?? [];
    return seconds < 0 ? (last ?? `${counted(count, unit)} ago`) : (next ?? `in ${counted(count, unit)}`);
  }
  return "just now";
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** How long it is until `time` (both ms since 1970), in the units that deadlines are set in: `in 90 days`, `in 5 hours`. */
export function formatUntil(time: number, now: number): string {
  const left = time - now;
  if (left >= 730 * DAY) return `in ${counted(Math.round(left / (365.25 * DAY)), "year")}`;
  if (left >= 2 * DAY) return `in ${counted(Math.round(left / DAY), "day")}`;
  if (left >= HOUR) return `in ${counted(Math.round(left / HOUR), "hour")}`;
  const minutes = Math.ceil(left / 60_000);
  return minutes < 0 ? `${counted(-minutes, "minute")} ago` : `in ${counted(Math.abs(minutes), "minute")}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"] as const;

/** In the browser's zone, which it tells: `30 Nov 2026, 03:09:20 GMT+1`. */
export function formatMoment(time: number): string {
  const date = new Date(time);
  const day = `${date.getDate()} ${MONTHS[date.getMonth()] ?? ""} ${date.getFullYear()}`;
  return `${day}, ${formatClock(time)} ${zoneOf(date)}`;
}

/** The time of day in the browser's zone: `03:09:20`. */
export function formatClock(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
}

function zoneOf(date: Date): string {
  const east = -date.getTimezoneOffset();
  if (east === 0) return "UTC";
  const minutes = Math.abs(east) % 60;
  const hours = Math.trunc(Math.abs(east) / 60);
  return `GMT${east < 0 ? "-" : "+"}${hours}${minutes === 0 ? "" : `:${twoDigits(minutes)}`}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** In UTC, to the second: `2026-11-30 02:09:20 UTC`. */
export function formatUtc(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
