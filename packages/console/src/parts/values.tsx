import type { JSX } from "preact";
import { formatBytes, formatCount } from "../lib/bytes.js";
import { formatAge, formatMoment, formatUtc, parseTime } from "../lib/time.js";
import { now } from "../state/clock.js";
import { texts } from "../text/index.js";

/** A size in units, with the exact one on hover. */
export function Bytes({ value }: { readonly value: number }): JSX.Element {
  return <span title={`${formatCount(value)} B`}>{formatBytes(value)}</span>;
}

/** How long ago something was, or what `format` makes of it, with the moment in the viewer's zone and in UTC on hover. `absent` says what no time means. */
export function Time({
  value,
  absent = texts.notSet,
  format = formatAge,
}: {
  readonly value: string | undefined;
  readonly absent?: string;
  readonly format?: (time: number, now: number) => string;
}): JSX.Element {
  const time = parseTime(value);
  if (time === undefined) return <span class="quiet">{absent}</span>;
  return (
    <time dateTime={new Date(time).toISOString()} title={`${formatMoment(time)}\n${formatUtc(time)}`}>
      {format(time, now.value)}
    </time>
  );
}
