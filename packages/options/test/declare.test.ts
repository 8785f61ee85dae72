import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  boundedDuration,
  looseFlag,
  looseInteger,
  optionalLooseInteger,
  secret,
  section,
  textOr,
  word,
} from "../src/declare.js";
import { declareKind, findKind, namesOf, refuse } from "../src/kind.js";
import { Secret } from "../src/secret.js";

describe("options of untyped maps", () => {
  const schema = section(
    {
      on: looseFlag(false, ""),
      count: looseInteger(7, { min: 1, max: 64 }, ""),
      size: optionalLooseInteger({ min: 0, leadingDigits: true }, ""),
      wait: boundedDuration("5s", { min: 100, max: 60_000 }, ""),
      place: textOr("/data", ""),
      mode: word(["One", "Two"], "One", "", { anyCase: true }),
    },
    "",
  );

  it("have their defaults", () => {
    expect(schema.parse({})).toEqual({ on: false, count: 7, wait: 5000, place: "/data", mode: "One" });
  });

  it("are parsed from strings as Go does", () => {
    const given = { on: "T", count: "0x10", size: "32MB", wait: "1m", mode: "tWO" };
    expect(schema.parse(given)).toEqual({ on: true, count: 16, size: 32, wait: 60_000, place: "/data", mode: "Two" });
  });

  it.each([
    { on: "yes" },
    { count: 0 },
    { count: "65" },
    { count: "7 apples" },
    { size: "many" },
    { wait: "1ms" },
    { wait: 5 },
    { mode: "Three" },
  ])("are refused: %j", (given) => {
    expect(schema.safeParse(given).success).toBe(false);
  });
});

describe("a secret", () => {
  const schema = section({ key: secret("") }, "");

  it("is kept in a Secret, and an empty one counts as none", () => {
    expect(schema.parse({ key: "a" }).key?.reveal()).toBe("a");
    expect(schema.parse({ key: "" }).key).toBeUndefined();
  });

  it("is refused if it is the examples' placeholder", () => {
    expect(schema.safeParse({ key: "[replace me]" }).error?.issues).toMatchObject([
      { path: ["key"], message: "this is the example's placeholder; replace it with a value of your own" },
    ]);
  });
});

describe("a kind", () => {
  const kind = declareKind({
    name: "disk",
    aliases: ["drive"],
    meaning: "A disk.",
    options: { path: z.string().default("/") },
    choose: ({ path }, context) => {
      if (path === "") refuse(context, "path", "say which");
      return { open: () => `opened ${path}` };
    },
  });

  it("is found by its name and aliases", () => {
    expect([findKind([kind], "disk"), findKind([kind], "drive"), findKind([kind], "tape")]).toEqual([
      kind,
      kind,
      undefined,
    ]);
    expect([...namesOf([kind]).keys()]).toEqual(["disk", "drive"]);
  });

  it("parses a section to what was chosen, with the options bound", async () => {
    const chosen = kind.section("drive").parse({ path: "/a" });
    expect(chosen).toMatchObject({ kind: "disk", options: { path: "/a" }, remarks: [] });
    expect(chosen.open()).toBe("opened /a");
    expect(await chosen.verify({ remote: true, patience: 0, now: new Date() })).toEqual([]);
  });

  it("reports a problem between several options", () => {
    const { error } = kind.section("disk").safeParse({ path: "" });
    expect(error?.issues).toEqual([
      expect.objectContaining({ path: ["path"], message: "say which", params: { explained: true } }),
    ]);
  });
});

it("a secret is never printed", () => {
  const secret = new Secret("hunter2");
  expect([secret.toString(), JSON.stringify({ secret }), secret.reveal()]).toEqual([
    "[redacted]",
    '{"secret":"[redacted]"}',
    "hunter2",
  ]);
});
