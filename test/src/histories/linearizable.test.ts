import { expect, it } from "vitest";
import { isLinearizable, type HistoryOperation } from "./linearizable.js";

const write = (call: number, end: number, value: string, rest: Partial<HistoryOperation> = {}): HistoryOperation => ({
  call,
  end,
  title: `write ${value}`,
  apply: () => value,
  ...rest,
});
const read = (call: number, end: number, value: string): HistoryOperation => ({
  call,
  end,
  title: `read ${value}`,
  apply: (state) => (state === value ? state : undefined),
});
const optional = { optional: true };
const final = write(0, 9, "a");
const tries = write(0, 9, "a", { optional: true, repeatable: true, before: final });
const erase = (call: number, end: number): HistoryOperation => write(call, end, "");

it.each<[string, readonly HistoryOperation[], boolean]>([
  ["a read of what was written", [write(0, 1, "a"), read(2, 3, "a")], true],
  ["a stale read", [write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a")], false],
  ["a lost write", [write(0, 1, "a"), read(2, 3, "")], false],
  ["either of two concurrent writes", [write(0, 5, "a"), write(0, 5, "b"), read(6, 7, "a")], true],
  [
    "two concurrent writes in two orders",
    [write(0, 9, "a"), write(0, 9, "b"), read(1, 2, "a"), read(3, 4, "b"), read(5, 6, "a")],
    false,
  ],
  ["an unanswered write that happens late", [write(0, Infinity, "a", optional), read(1, 2, ""), read(3, 4, "a")], true],
  ["an unanswered write that never happens", [write(0, Infinity, "a", optional), read(1, 2, "")], true],
  ["an unanswered write that is undone", [write(0, Infinity, "a", optional), read(1, 2, "a"), read(3, 4, "")], false],
  ["a read before the write that it saw", [read(0, 1, "a"), write(2, 3, "a")], false],
  ["an optional write after its end", [write(0, 1, "a", optional), read(2, 3, ""), read(4, 5, "a")], false],
  ["a write that is tried twice", [final, tries, read(1, 2, "a"), erase(3, 4), read(5, 6, "a")], true],
  ["a try after the write itself", [final, tries, erase(10, 11), read(12, 13, "a")], false],
  ["a try that is erased after the write's end", [final, tries, read(10, 11, "a"), read(12, 13, "")], false],
])("judges %s", (_title, history, expected) => {
  expect(isLinearizable(history, "")).toBe(expected);
});

it("judges a long history of many concurrent writes that some reads contradict", () => {
  const history: HistoryOperation[] = [];
  for (let round = 0; round < 40; round += 1) {
    for (const value of ["a", "b", "c", "d"]) history.push(write(round * 10, round * 10 + 5, value));
    history.push(write(round * 10, round * 10 + 5, "", optional), read(round * 10 + 6, round * 10 + 7, "b"));
  }
  expect(isLinearizable(history, "")).toBe(true);
  expect(isLinearizable([...history, read(396.5, 397.5, "a")], "")).toBe(false);
});
