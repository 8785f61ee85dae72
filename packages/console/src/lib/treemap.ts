/** A rectangle in the unit of its map. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Fills `width` × `height` with a rectangle for each value, its area in proportion, as square as they can be (Bruls, Huizing, van Wijk:
 * Squarified Treemaps). `values` are positive and sorted, largest first.
 */
export function squarify(values: readonly number[], width: number, height: number): readonly Box[] {
  const total = values.reduce((sum, value) => sum + value, 0);
  const boxes: Box[] = [];
  if (total <= 0) return boxes;
  const areas = values.map((value) => (value * width * height) / total);
  let free: Box = { x: 0, y: 0, width, height };
  let row: number[] = [];
  for (const area of areas) {
    const side = Math.min(free.width, free.height);
    if (row.length > 0 && worstRatio([...row, area], side) > worstRatio(row, side)) {
      free = placeRow(row, free, boxes);
      row = [];
    }
    row.push(area);
  }
  placeRow(row, free, boxes);
  return boxes;
}

/** How far from a square the worst rectangle of a row along `side` is. */
function worstRatio(row: readonly number[], side: number): number {
  const sum = row.reduce((total, area) => total + area, 0);
  const thickness = sum / side;
  return Math.max(...row.map((area) => Math.max(area / thickness ** 2, thickness ** 2 / area)));
}

/** Places a row along the shorter side, and returns what is left. */
function placeRow(row: readonly number[], free: Box, boxes: Box[]): Box {
  const sum = row.reduce((total, area) => total + area, 0);
  const isUpright = free.width >= free.height;
  const thickness = sum / Math.max(1e-9, isUpright ? free.height : free.width);
  let along = isUpright ? free.y : free.x;
  for (const area of row) {
    const length = area / Math.max(1e-9, thickness);
    boxes.push(
      isUpright
        ? { x: free.x, y: along, width: thickness, height: length }
        : { x: along, y: free.y, width: length, height: thickness },
    );
    along += length;
  }
  return isUpright
    ? { x: free.x + thickness, y: free.y, width: free.width - thickness, height: free.height }
    : { x: free.x, y: free.y + thickness, width: free.width, height: free.height - thickness };
}
