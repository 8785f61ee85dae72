import { DAY, HOUR, MINUTE, SECOND } from "@longshore/base/duration";
import { assert, constantFrom, integer, property } from "fast-check";
import { expect, it } from "vitest";
import { LONGEST_PAUSE, pauseAfter, renewalOf, restAfter } from "../../src/certificates/schedule.js";

it.each([
  [90 * DAY, 60 * DAY],
  [45 * DAY, 30 * DAY],
  [6 * DAY, 4 * DAY],
  [12 * HOUR, 8 * HOUR],
  [365 * DAY, 335 * DAY],
])("a certificate for %d ms is renewed after %d", (life, expected) => {
  expect(renewalOf({ notBefore: 1000, notAfter: 1000 + life })).toBe(1000 + expected);
});

it("pauses grow, are never shorter than what the authority asks for, and never longer than a week", () => {
  const failures = constantFrom("refused", "unreachable", "postponed", "interrupted");
  assert(
    property(failures, integer({ min: 1, max: 60 }), integer({ min: 0, max: 30 * DAY }), (failure, count, asked) => {
      const pause = pauseAfter(failure, count, undefined);
      expect(pause).toBeGreaterThanOrEqual(15 * SECOND);
      expect(pauseAfter(failure, count + 1, undefined)).toBeGreaterThanOrEqual(pause);
      expect(pauseAfter(failure, count, asked)).toBe(Math.min(LONGEST_PAUSE, Math.max(pause, asked)));
    }),
  );
});

it("four refusals in an hour are not reached, of the five that Let's Encrypt allows", () => {
  let time = 0;
  let attempts = 0;
  while (time <= HOUR) {
    attempts += 1;
    time += pauseAfter("refused", attempts, undefined);
  }
  expect(attempts).toBeLessThan(4);
});

it.each([
  [90 * DAY, HOUR],
  [HOUR, 30 * MINUTE],
  [5 * SECOND, 10 * SECOND],
])("after a certificate for %d ms none is ordered for %d", (life, rest) => {
  expect(restAfter({ notBefore: 0, notAfter: life })).toBe(rest);
});
