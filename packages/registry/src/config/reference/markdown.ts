import type { KeyInfo } from "@longshore/options/declare";
import { EXAMPLES } from "./examples.js";
import { root } from "../schema/root.js";
import { type Shape, shapeOf, walkKeys } from "@longshore/options/shape";
import { formatPath } from "../yaml/tree.js";
import type { Path } from "@longshore/options/report";

interface Row {
  readonly path: Path;
  readonly info: KeyInfo;
  readonly isSection: boolean;
}

/** docs/configuration.md: every key with its type, default and meaning, with an example for each section. */
export function configurationReference(): string {
  const sections = [...rowsBySection()].map(([name, rows]) => section(name, rows));
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

const INTRODUCTION = `# Configuration

<!-- Generated from packages/registry/src/config/schema by \`npm run schema\`. Edit the schema, not this page. -->

The registry reads one YAML file, whose path is the argument of \`registry serve\` or the value of
\`REGISTRY_CONFIGURATION_PATH\`. The format is that of \`registry:2\` and \`registry:3\`; ready-made files are in
[config/](../config/README.md). \`registry verify <file>\` checks a file without starting the registry.

## Rules

- **YAML 1.1**, as Distribution reads it: \`yes\`, \`no\`, \`on\`, \`off\` are booleans, \`0123\` is octal, and if a
  key is given twice, the last one is used (with a warning).
- **Strings** are taken as written: an access key \`0123\` or a bucket \`1e10\` needs no quotes. In the file, \` #\`
  begins a comment; a warning points out where that may have cut off part of a value.
- **Durations** are Go's: \`300ms\`, \`30s\`, \`1h30m\`, \`168h\`. A number without a unit means nanoseconds; below
  \`storage.maintenance\` and for \`cloudfront\` it is an error.
- **Sizes** are in bytes.
- **A mistake** prevents the start, with one line that names the key, the file and line or the environment variable,
  what was found and what is expected. An unknown key is only a warning, except where it concerns \`auth\` or
  \`access\`: a misspelt key must not open the registry.
- **Unsupported features** are refused by name. A section without effect (\`endpoints: []\`) is accepted.
- **Longshore only** marks keys that Distribution doesn't have.

## Environment variables

\`REGISTRY_\` and a key's path in upper case, joined by \`_\`, sets that key: \`REGISTRY_HTTP_ADDR=:5001\`. The value
is YAML, so it may be a whole section: \`REGISTRY_HTTP='{addr: ":5001"}'\`. For a string key it is the string itself,
with any surrounding quotes removed. Variables are applied in the order of their names, so a section comes before its
keys.

- List entries have an index: \`REGISTRY_HEALTH_TCPCHECKERS_0_ADDR=db:5432\`. The index after the last one adds an
  entry.
- Keys of maps are in lower case: \`REGISTRY_HTTP_HEADERS_X-FOO='[bar]'\` adds \`x-foo\`. Shells don't allow \`-\` in
  a name: set such a variable with \`env\` before the command, or with the container engine's \`-e\`.
- \`REGISTRY_STORAGE=inmemory\` and \`REGISTRY_AUTH=none\` replace the whole section of the file. To use a different
  driver than the file's, set \`REGISTRY_STORAGE\` too, not just \`REGISTRY_STORAGE_<DRIVER>_…\`.
- Some names differ from the key's; they are listed with it below.
- Variables that Kubernetes sets for a service whose name begins with \`registry-\` (\`REGISTRY_AUTH_PORT=tcp://…\`)
  look like settings. They are recognised by their values and ignored with a warning; \`enableServiceLinks: false\` in
  the pod's spec prevents them.
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
    // The parameters of an unsupported driver or controller would only mislead.
    return shape.info?.unsupported?.when !== "present";
  });
  return sections;
}

function hasKeys(shape: Shape): boolean {
  if (shape.kind === "list") return shapeOf(shape.item).kind === "struct";
  return shape.kind === "struct" && shape.fields.size > 0;
}

/** A nested section with at least this many keys has a heading of its own. */
const ENOUGH_FOR_A_HEADING = 4;

function section(name: string, rows: readonly Row[]): string {
  const parts: string[] = [];
  for (const [heading, members] of headingsIn(name, rows)) {
    const own = members.find(({ path, isSection }) => isSection && keyName(path) === heading);
    const listed = members.filter(
      ({ path, info, isSection }) =>
        keyName(path) !== heading && (!isSection || info.unsupported !== undefined || info.type !== "map"),
    );
    const lines = (own || listed.length > 0 ? listed : members).map(({ path, info }) => item(path, info));
    const example = EXAMPLES[heading];
    parts.push(
      `${heading === name ? "##" : "###"} ${heading}`,
      ...(own ? [wrap(meaning(own.path, own.info), "")] : []),
      ...(example === undefined ? [] : [`\`\`\`yaml\n${example}\n\`\`\``]),
      ...(lines.length > 0 ? [lines.join("\n")] : []),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

/** The rows of a top-level section, by the heading below which they are listed. */
function headingsIn(name: string, rows: readonly Row[]): Map<string, Row[]> {
  const sizes = new Map<string, number>();
  const nested = ({ path }: Row) => keyName(path.slice(0, 2)).replace("[]", "");
  for (const row of rows) sizes.set(nested(row), (sizes.get(nested(row)) ?? 0) + 1);
  const headings = new Map<string, Row[]>([[name, []]]);
  for (const row of rows) {
    const large = row.path.length > 1 && (sizes.get(nested(row)) ?? 0) > ENOUGH_FOR_A_HEADING;
    const heading = large ? nested(row) : name;
    headings.set(heading, [...(headings.get(heading) ?? []), row]);
  }
  return headings;
}

/** One key: `- \`http.addr\` (text, default \`:5000\`): …`. */
function item(path: Path, info: KeyInfo): string {
  const value = fallback(info);
  const kind = value === "" ? info.type : `${info.type}; default ${value}`;
  return wrap(`- ${code(keyName(path))} (${kind}): ${meaning(path, info)}`, "  ");
}

const WIDTH = 118;

/** Wraps \`text\` at spaces outside of code, so that the page reads well without being rendered. */
function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.match(/(?:`[^`]*`|[^ `])+/g) ?? []) {
    // A line that starts like a list item or a heading would become one.
    const breaks = line.length + word.length >= WIDTH && !/^(?:[-+*#>|]|\d+[.)])/.test(word);
    if (breaks) lines.push(line);
    line = breaks ? indent + word : line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

/** The name of a key; in list entries, such as `file[].interval`. */
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
    info.ours && "Longshore only.",
    unsupported(info),
  ];
  return parts.filter((part) => part).join(" ");
}

function unsupported({ unsupported: refusal }: KeyInfo): string | undefined {
  if (!refusal) return undefined;
  if (refusal.harmless === true) return "**Accepted without effect, with a warning.**";
  return typeof refusal.when === "object"
    ? `**Refused in this version:** \`${refusal.when.equals}\`.`
    : "**Refused in this version.**";
}

function code(text: string): string {
  return `\`${text}\``;
}
