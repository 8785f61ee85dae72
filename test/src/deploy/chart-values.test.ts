import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { CHART } from "./chart/chart.js";
import { VALUE_SETS } from "./chart/value-sets.js";
import { describedValues, leavesOf, valuesTable } from "./chart/values-table.js";

const README = join(CHART, "README.md");
const FIRST =
  "<!-- Generated from values.schema.json and values.yaml: npx vitest run test/src/deploy/chart-values.test.ts -u -->";
const LAST = "<!-- The end of what is generated. -->";

const defaults: unknown = parse(await readFile(join(CHART, "values.yaml"), "utf8"));
const schema = z
  .record(z.string(), z.json())
  .parse(JSON.parse(await readFile(join(CHART, "values.schema.json"), "utf8")));
const names = new Set(describedValues(schema).map(({ name }) => name));

/** What Helm finds in values before it renders: none if the schema accepts them. It takes null for "not there". */
function refusals(values: unknown): readonly string[] {
  const given: unknown = JSON.parse(JSON.stringify(values), (_, value: unknown) =>
    value === null ? undefined : value,
  );
  const { error } = z.fromJSONSchema(schema).safeParse(given);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("the chart's schema of values", () => {
  it("accepts the chart's own values and every set", () => {
    expect(refusals(defaults)).toEqual([]);
    for (const [name, { values }] of Object.entries(VALUE_SETS)) expect(refusals(values), name).toEqual([]);
  });

  it.each([
    ["a misspelt value", { persistance: { enabled: true } }, "persistance"],
    ["one within another", { garbageCollect: { enable: true } }, "enable"],
    ["an option of s3", { s3: { regionendpoint: "https://s3.example" } }, "regionendpoint"],
    ["a secret's", { secrets: { s3: { existingSecret: "keys" } } }, "existingSecret"],
    ["a wrong type", { replicaCount: "three" }, "replicaCount"],
    ["a driver that there isn't", { storage: "disk" }, "storage"],
  ])("refuses %s", (_, values, expected) => {
    expect(refusals(values).join("\n")).toContain(expected);
  });

  it("describes every value of values.yaml, and each that it describes is there", () => {
    const leaves = leavesOf(defaults, names);
    expect([...leaves].sort()).toEqual([...names].sort());
  });
});

describe("the chart's alerts", () => {
  it("are those of deploy/grafana, which a chart can't reach", async () => {
    const alerts = await readFile(new URL("../../../deploy/grafana/alerts.yml", import.meta.url), "utf8");
    expect(await readFile(join(CHART, "files/alerts.yml"), "utf8")).toBe(alerts);
  });
});

describe("the chart's README", () => {
  it("has the table of all values", async () => {
    const text = await readFile(README, "utf8");
    const [before, rest] = text.split(FIRST);
    const after = rest?.split(LAST)[1];
    const expected = [before, FIRST, "\n\n", valuesTable(schema, defaults), "\n\n", LAST, after].join("");
    const options = { ...(await resolveConfig(README)), filepath: README };
    await expect(await format(expected, options)).toMatchFileSnapshot(README);
  });
});
