/** A point of a chart. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What is left free at the top, of the height. */
const AIR = 0.05;

/**
 * `values`, in the order of x, as points of a picture of this width and height, whose y begins at the top; its bottom is zero, so that a
 * small change looks like one.
 */
export function chartOf(values: readonly Point[], width: number, height: number): readonly Point[] {
  const [first, last] = [values[0], values.at(-1)];
  if (first === undefined || last === undefined) return [];
  const span = Math.max(1, last.x - first.x);
  const most = Math.max(1, ...values.map(({ y }) => y)) * (1 + AIR);
  return values.map(({ x, y }) => ({
    x: round(((x - first.x) / span) * width),
    y: round(height - (y / most) * height),
  }));
}

const round = (value: number): number => Math.round(value * 10) / 10;
