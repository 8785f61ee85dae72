import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, formatCount } from "../src/lib/bytes.js";
import { formatRoute, parseRoute } from "../src/lib/route.js";
import { formatAge, formatClock, formatMoment, parseTime } from "../src/lib/time.js";
import { trustOf } from "../src/lib/addresses.js";
import { treeLines } from "../src/lib/tree.js";

const DIGEST = `sha256:${"0f".repeat(32)}`;

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [999_499, "999 kB"],
    [999_600, "1.00 MB"],
    [12_345_678, "12.3 MB"],
    [5e15, "5.00 PB"],
  ])("%i is %s", (bytes, shown) => expect(formatBytes(bytes)).toBe(shown));
});

describe("times", () => {
  it.each(["1970-01-01T00:00:00Z", "1980-01-01T00:00:01Z", "0001-01-01T00:00:00Z", "nonsense", undefined])(
    "%s means that none was set",
    (text) => expect(parseTime(text)).toBeUndefined(),
  );

  it.each([
    [0, "just now"],
    [-61, "1 minute ago"],
    [-26 * 3600, "yesterday"],
    [-800 * 86_400, "2 years ago"],
    [3 * 3600, "in 3 hours"],
  ])("%i s from now is %s", (seconds, shown) => expect(formatAge(seconds * 1000, 0)).toBe(shown));
});

describe("times and numbers are written as Intl writes them", () => {
  const time = fc.integer({ min: Date.UTC(2000), max: Date.UTC(2100) });

  it("ages", () => {
    const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
    const units = [
      ["year", 31_556_952],
      ["month", 2_629_746],
      ["week", 604_800],
      ["day", 86_400],
      ["hour", 3600],
      ["minute", 60],
    ] as const;
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (seconds) => {
        const found = units.find(([, length]) => Math.abs(seconds) >= length);
        const expected = found === undefined ? "just now" : relative.format(Math.trunc(seconds / found[1]), found[0]);
        expect(formatAge(seconds * 1000, 0)).toBe(expected);
      }),
    );
  });

  it("moments, but for the names of zones", () => {
    const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
    fc.assert(
      fc.property(time, (each) => {
        expect(formatMoment(each).replace(/ \S+$/, "")).toBe(moment.format(each));
        expect(formatClock(each)).toBe(new Date(each).toLocaleTimeString("en-GB"));
      }),
    );
  });

  it("the zone as a distance", () => {
    const zone = process.env["TZ"];
    try {
      for (const [name, shown] of [
        ["UTC", "UTC"],
        ["Europe/Berlin", "GMT+1"],
        ["Asia/Kolkata", "GMT+5:30"],
        ["America/St_Johns", "GMT-3:30"],
      ]) {
        process.env["TZ"] = name;
        expect(
          formatMoment(Date.UTC(2026, 10, 30))
            .split(" ")
            .at(-1),
        ).toBe(shown);
      }
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  });

  it("counts", () => {
    const number = new Intl.NumberFormat("en");
    fc.assert(fc.property(fc.nat(), (each) => void expect(formatCount(each)).toBe(number.format(each))));
  });
});

describe("addresses of pages", () => {
  it.each([
    ["#/", { kind: "repositories" }],
    ["", { kind: "repositories" }],
    ["#/r/team/t/app", { kind: "repository", name: "team/t/app" }],
    ["#/r/team/app:1.0", { kind: "image", reference: { name: "team/app", tag: "1.0" } }],
    [`#/r/a@${DIGEST}`, { kind: "image", reference: { name: "a", digest: DIGEST } }],
    ["#/usage", { kind: "usage" }],
  ])("%s", (hash, page) => {
    const parsed = parseRoute(hash);
    expect(parsed).toEqual({ page, query: {} });
    expect(formatRoute(parsed.page)).toBe(hash === "" ? "#/" : hash);
  });

  it("keep what is chosen", () => {
    const hash = formatRoute({ kind: "repositories" }, { search: "a&b=c #", sort: undefined });
    expect(parseRoute(hash).query).toEqual({ search: "a&b=c #" });
  });

  it("are unknown if they name no page", () => {
    for (const hash of ["#/nothing", "#/r/", "#/usage/more", "#%E0%A4%A"]) {
      expect(parseRoute(hash).page.kind).toBe("unknown");
    }
  });
});

it("clients trust only the machine itself without HTTPS", () => {
  expect(["localhost:5000", "127.0.0.1:5000", "[::1]:5000"].map((each) => trustOf(each, "http:"))).toEqual(
    Array(3).fill("local"),
  );
  expect(trustOf("registry.example.com", "http:")).toBe("plain");
  expect(trustOf("localhost.example.com", "http:")).toBe("plain");
  expect(trustOf("registry.example.com", "https:")).toBe("tls");
});

it("a tree has folders before repositories, with what is below them", () => {
  const items = ["b", "a/x", "a/c/y", "a"].map((name, index) => ({
    name,
    size: index + 1,
    pushed: `2026-0${index + 1}`,
  }));
  const shown = (open: readonly string[]): readonly string[] =>
    treeLines(items, new Set(open)).map((line) =>
      line.kind === "folder" ? `${line.path}/ ${line.repositories} ${line.size} ${line.pushed}` : line.item.name,
    );
  expect(shown([])).toEqual(["a/ 2 5 2026-03", "b", "a"]);
  expect(shown(["a", "a/c"])).toEqual(["a/ 2 5 2026-03", "a/c/ 1 3 2026-03", "a/c/y", "a/x", "b", "a"]);
});
