import type { JSX } from "preact";
import type { UsageDay } from "../../api/usage.js";
import { formatBytes } from "../../lib/bytes.js";
import { chartOf } from "../../lib/chart.js";
import { texts } from "../../text/index.js";

const words = texts.usage;
const [WIDTH, HEIGHT] = [1000, 120];

/** What was stored on the days on which it was counted, as a line. */
export function Growth({ days }: { readonly days: readonly UsageDay[] }): JSX.Element {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined || days.length < 2)
    return <p class="quiet no-growth">{words.noGrowth}</p>;
  const points = chartOf(
    days.map(({ day, bytes }) => ({ x: Date.parse(day), y: bytes })),
    WIDTH,
    HEIGHT,
  );
  const line = points.map(({ x, y }) => `${x},${y}`).join(" ");
  const most = Math.max(...days.map(({ bytes }) => bytes));
  return (
    <figure class="growth">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words.growthOf(days)}>
        <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
        <polyline points={line} vector-effect="non-scaling-stroke" />
      </svg>
      <figcaption class="quiet">
        <span>
          {first.day}: {formatBytes(first.bytes)}
        </span>
        <span>{words.most(formatBytes(most))}</span>
        <span>
          {last.day}: {formatBytes(last.bytes)}
        </span>
      </figcaption>
    </figure>
  );
}
