import { child, shapeOf } from "@longshore/options/shape";
import type { Path } from "@longshore/options/report";
import { root } from "../schema/root.js";
import { DISTRIBUTION_KEYS } from "./distribution-keys.js";

const BEGIN = "<!-- Generated from the configuration's schema by `npm run schema`: begin -->";
const END = "<!-- Generated: end -->";

/**
 * `page`, docs/compatibility.md, with the table of every key of Distribution's configuration brought up to date.
 * @throws Error if the page lacks the comments between which the table belongs
 */
export function withDistributionTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin)
    throw new Error(`docs/compatibility.md needs "${BEGIN}" and "${END}" around its table`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${formatTable(distributionTable())}\n\n${page.slice(end)}`;
}

const HEADER = ["Section", "Keys", "Distribution", "Longshore"];

/** A row for the keys of a section of which the same is true. */
function distributionTable(): readonly (readonly string[])[] {
  return DISTRIBUTION_KEYS.flatMap(({ section, keys, versions }) => {
    const rows = new Map<string, string[]>();
    for (const key of keys) {
      const outcome = whatBecomesOf(pathOf(section, key));
      rows.set(outcome, [...(rows.get(outcome) ?? []), key]);
    }
    return [...rows].map(([outcome, names]) => [
      section === "" ? "" : `\`${section}\``,
      names.map((name) => `\`${name}\``).join(", "),
      versions,
      outcome,
    ]);
  });
}

/** The path of `key` in the schema, in which every entry of a list is the first. */
export function pathOf(section: string, key: string): Path {
  const parts = section === "" ? [] : section.split(".");
  return [...parts.flatMap((part) => (part.endsWith("[]") ? [part.slice(0, -2), 0] : [part])), key];
}

/** Whether a key works, is accepted without effect, or is refused, and then why or what to do instead. */
function whatBecomesOf(path: Path): string {
  let shape = shapeOf(root);
  for (const part of path) {
    const next = child(shape, part);
    if (next === undefined) throw new Error(`no such key: ${path.join(".")}`);
    shape = shapeOf(next);
    const { unsupported, noEffect } = shape.info ?? {};
    if (unsupported?.harmless === true) return `accepted with a warning: ${unsupported.instead}`;
    if (unsupported !== undefined) return `refused: ${unsupported.instead}`;
    if (noEffect !== undefined) return `accepted without effect: ${noEffect}`;
  }
  return "works";
}

/** A Markdown table as Prettier formats it. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = HEADER.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(HEADER), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
