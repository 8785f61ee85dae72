import type { Comparison, GroupReport } from "./compare.js";
import type { Group } from "./operations.js";

/** The groups that the guard runs: those that take seconds. */
export const GUARDED: readonly Group[] = ["small", "tags", "push"];

/**
 * The rows that a change must have broken: they miss half of their aim both in speed and in CPU time. One of the two swings on a
 * busy machine; an operation that has become expensive shows in both.
 */
export function findBroken({ comparisons }: GroupReport): readonly string[] {
  return comparisons.filter(isBroken).map(({ operation }) => operation.name);
}

function isBroken({ operation: { aim }, ours, theirs }: Comparison): boolean {
  return ours.rate / theirs.rate < aim.speed / 2 && ours.cpu / theirs.cpu > aim.cpu * 2;
}
