import { expect, it } from "vitest";
import { chartOf } from "../src/lib/chart.js";

it("draws values in proportion to zero and to the time between them", () => {
  const values = [
    { x: 10, y: 0 },
    { x: 11, y: 50 },
    { x: 20, y: 100 },
  ];
  expect(chartOf(values, 1000, 105)).toEqual([
    { x: 0, y: 105 },
    { x: 100, y: 55 },
    { x: 1000, y: 5 },
  ]);
  expect(chartOf([{ x: 5, y: 0 }], 100, 10)).toEqual([{ x: 0, y: 10 }]);
  expect(chartOf([], 100, 10)).toEqual([]);
});
