import { type KeyInfo } from "../schema/kit.js";
import { root } from "../schema/root.js";
import { type Shape, shapeOf, walkKeys } from "../schema/shape.js";
import { formatPath, type Path } from "../yaml/tree.js";

interface Row {
  readonly path: Path;
  readonly info: KeyInfo;
  readonly isSection: boolean;
}

/** docs/configuration.md: every key with its type, default and meaning, below the rules that concern them all. */
export function configurationReference(): string {
  const sections = [...rowsBySection()].map(([name, rows]) => section(name, rows));
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

const INTRODUCTION = `# Configuration

<!-- Generated from packages/registry/src/config/schema by \`npm run schema\`. Edit the schema, not this page. -->

The registry reads one YAML file, whose path is the argument of \`registry serve\` or stands in
\`REGISTRY_CONFIGURATION_PATH\`. It is the file of \`registry:2\` and \`registry:3\`: ready-made ones are in
[config/](../config/README.md). \`registry verify <file>\` checks one without starting.

## Rules

- **YAML 1.1**, as in the original: \`yes\`, \`no\`, \`on\`, \`off\` are booleans, \`0123\` is octal, and of a key that is given
  twice the last one counts (with a warning).
- **Durations** are Go's: \`300ms\`, \`30s\`, \`1h30m\`, \`168h\`. A number without a unit counts nanoseconds; below
  \`storage.maintenance\` and for \`cloudfront\` it is an error.
- **Sizes** are bytes.
- **A mistake** stops the start with one line that names the key, the file and line or the environment variable, what
  was found and what is allowed. An unknown key is a warning, but an error where it concerns \`auth\` or \`access\`: a
  misspelt key must not open the registry.
- **What this version doesn't have yet** is refused by name. A section that would do nothing (\`endpoints: []\`) passes.

## Environment variables

\`REGISTRY_\` and a key's path in upper case, joined by \`_\`, sets that key: \`REGISTRY_HTTP_ADDR=:5001\`. The value is YAML,
so it may be a whole section: \`REGISTRY_HTTP='{addr: ":5001"}'\`. Variables are applied in the order of their names, so a
section comes before its keys.

- Lists go by index: \`REGISTRY_HEALTH_TCPCHECKERS_0_ADDR=db:5432\`; the index after the last one adds an entry.
- Keys of maps are in lower case: \`REGISTRY_HTTP_HEADERS_X-FOO='[bar]'\` adds \`x-foo\`. Shells take no \`-\` in a name:
  give such a variable with \`env\` before the command, or with the container engine's \`-e\`.
- \`REGISTRY_STORAGE=inmemory\` and \`REGISTRY_AUTH=none\` replace the whole section of the file. To use another driver
  than the file's, set \`REGISTRY_STORAGE\` too, not only \`REGISTRY_STORAGE_<DRIVER>_…\`.
- Some names differ from the key: they are given with it below.
`;

function rowsBySection(): Map<string, Row[]> {
  const sections = new Map<string, Row[]>();
  walkKeys(root, (path, shape) => {
    const [top] = path;
    if (shape.info && typeof top === "string") {
      const rows = sections.get(top) ?? [];
      rows.push({ path, info: shape.info, isSection: hasKeys(shape) });
      sections.set(top, rows);
    }
    // The parameters of a driver or a controller that isn't here would only lead astray.
    return shape.info?.later?.when !== "present";
  });
  return sections;
}

function hasKeys(shape: Shape): boolean {
  if (shape.kind === "list") return shapeOf(shape.item).kind === "struct";
  return shape.kind === "struct" && shape.fields.size > 0;
}

function section(name: string, rows: readonly Row[]): string {
  const [first, ...others] = rows;
  const head = first?.path.length === 1 && first.isSection ? first : undefined;
  const listed = head ? others : rows;
  const lines = listed
    .filter(({ info, isSection }) => !isSection || info.later !== undefined || info.type !== "map")
    .map(({ path, info }) => [code(keyName(path)), info.type, fallback(info), meaning(path, info)]);
  const table = lines.length === 0 ? "" : `\n${formatTable([["Key", "Type", "Default", "Meaning"], ...lines])}`;
  return `## ${name}\n${head ? `\n${meaning(head.path, head.info)}\n` : ""}${table}`;
}

/** Entries of a list are written `file[].interval`. */
function keyName(path: Path): string {
  return formatPath(path).replaceAll("[0]", "[]");
}

function fallback({ fallback: value }: KeyInfo): string {
  if (value === undefined) return "";
  return /\s/.test(value) ? value : code(value);
}

function meaning(path: Path, info: KeyInfo): string {
  const variable = ["REGISTRY", ...path.map((part) => (typeof part === "number" ? "i" : part.toUpperCase()))];
  const parts = [
    info.meaning,
    info.env && `In the environment: ${code([...variable.slice(0, -1), info.env].join("_"))}.`,
    info.ours && "Not in the original.",
    later(info),
  ];
  return parts.filter((part) => part).join(" ");
}

function later({ later: refusal }: KeyInfo): string | undefined {
  if (!refusal) return undefined;
  return typeof refusal.when === "object"
    ? `**Refused in this version:** \`${refusal.when.equals}\`.`
    : "**Refused in this version.**";
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A Markdown table with aligned columns, as the formatter leaves it. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |\n`;
  const [head = [], ...body] = cells;
  return line(head) + line(widths.map((width) => "-".repeat(width))) + body.map(line).join("");
}
