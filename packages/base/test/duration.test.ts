import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDuration } from "../src/duration.js";

describe("durations", () => {
  it.each([
    ["168h", 604_800_000],
    ["300ms", 300],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    [".5s", 500],
    ["1.s", 1000],
    ["10us", 0.01],
    ["10µs", 0.01],
    ["10μs", 0.01],
    ["1ns", 0.000001],
    ["0", 0],
    ["-0", 0],
    ["+5s", 5000],
    ["-5s", -5000],
    ["2m3s4ms", 123_004],
    ["5m3m", 480_000],
  ])("%s is %d ms", (text, expected) => expect(parseDuration(text)).toBeCloseTo(expected, 9));

  it.each(["", "5", "5x", "s", "5 s", "1h 30m", "1h30", "--5s", ".s", "5S", "1e3s", "∞s", "3000000h"])(
    "%j isn't one",
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );

  it("takes a bare integer as nanoseconds", () => {
    expect(parseDuration(1_500_000)).toBe(1.5);
    expect(parseDuration(0)).toBe(0);
    expect(parseDuration(1.5)).toBeUndefined();
    expect(parseDuration(Number.NaN)).toBeUndefined();
  });

  it("adds up all parts", () => {
    const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
    const part = fc.tuple(fc.nat(1000), fc.constantFrom("h", "m", "s", "ms"));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const text = parts.map(([count, unit]) => `${count}${unit}`).join("");
        expect(parseDuration(text)).toBe(parts.reduce((sum, [count, unit]) => sum + count * units[unit], 0));
      }),
    );
  });
});
