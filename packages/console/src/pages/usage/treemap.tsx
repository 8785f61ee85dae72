import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Repository } from "../../api/repositories.js";
import { formatBytes } from "../../lib/bytes.js";
import { formatRoute } from "../../lib/route.js";
import { squarify } from "../../lib/treemap.js";
import { texts } from "../../text/index.js";

/** Pixels. */
const HEIGHT = 380;
const LETTER = 7.5;
const GAP = 2;
const SHADES = 5;

/** Repositories as areas in proportion to their sizes. */
export function Treemap({ repositories }: { readonly repositories: readonly Repository[] }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const width = useSignal(1000);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => (width.value = Math.max(200, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const shown = repositories.filter(({ size }) => size > 0);
  const boxes = squarify(
    shown.map(({ size }) => size),
    width.value,
    HEIGHT,
  );
  const prefixes = [...new Set(shown.map(({ name }) => name.split("/")[0]))];
  return (
    <div ref={place} class="treemap">
      <svg width={width.value} height={HEIGHT} role="group" aria-label={texts.usage.byRepository}>
        {shown.map(({ name, size }, index) => {
          const box = boxes[index];
          if (box === undefined) return null;
          const { x, y } = box;
          const inner = { width: Math.max(1, box.width - GAP), height: Math.max(1, box.height - GAP) };
          const letters = Math.floor((inner.width - 16) / LETTER);
          const hasRoom = letters >= 4 && inner.height >= 24;
          // Cut at the edge, a size would be another one.
          const hasSize = inner.height >= 44 && letters >= formatBytes(size).length;
          return (
            <a
              key={name}
              href={formatRoute({ kind: "repository", name })}
              {...(hasRoom ? {} : { "aria-label": `${name} ${formatBytes(size)}` })}
            >
              <rect class={`shade-${prefixes.indexOf(name.split("/")[0]) % SHADES}`} x={x} y={y} {...inner} rx={3} />
              {hasRoom && (
                <text x={x + 8} y={y + 18}>
                  {name.length > letters ? `${name.slice(0, letters - 1)}…` : name}
                </text>
              )}
              {hasRoom && hasSize && (
                <text class="size" x={x + 8} y={y + 36}>
                  {formatBytes(size)}
                </text>
              )}
              {!(hasRoom && hasSize) && <title>{`${name} ${formatBytes(size)}`}</title>}
            </a>
          );
        })}
      </svg>
    </div>
  );
}
