import * as z from "zod";
import { at } from "../pick.js";

/** What we read of a JSON schema. */
interface Schema {
  readonly description?: string | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
}

const schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({ description: z.string().optional(), properties: z.record(z.string(), schema).optional() }),
);

/** A value that the chart describes. */
interface Row {
  readonly name: string;
  readonly description: string;
}

/** The described values of a schema, in its order; those within a described one belong to it. */
export function describedValues(document: unknown): readonly Row[] {
  const rows = (within: Schema, prefix: string): Row[] =>
    Object.entries(within.properties ?? {}).flatMap(([key, value]) => {
      const name = `${prefix}${key}`;
      return value.description === undefined ? rows(value, `${name}.`) : [{ name, description: value.description }];
    });
  return rows(schema.parse(document), "");
}

/** A Markdown table of the described values with their defaults. */
export function valuesTable(document: unknown, defaults: unknown): string {
  const rows = describedValues(document).map(({ name, description }) => {
    const cells = [`\`${name}\``, defaultCell(at(defaults, ...name.split("."))), description];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return ["| Value | Default | Meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Longer ones are only in values.yaml. */
const LONGEST_DEFAULT = 40;

function defaultCell(value: unknown): string {
  if (value === "" || value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST_DEFAULT ? "see `values.yaml`" : `\`${text}\``;
}

/** Every value of a `values.yaml`: what isn't a map, and empty maps. Maps with a row of their own aren't looked into. */
export function leavesOf(values: unknown, stops: ReadonlySet<string>, prefix = ""): readonly string[] {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return [prefix];
  const entries = Object.entries(values);
  if (entries.length === 0 || stops.has(prefix)) return [prefix];
  return entries.flatMap(([key, value]) => leavesOf(value, stops, prefix === "" ? key : `${prefix}.${key}`));
}
