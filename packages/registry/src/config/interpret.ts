import type { z } from "zod";
import { error, type Finding, warning } from "./findings.js";
import { parseDuration } from "@longshore/base/duration";
import { concernsAccess, nearest } from "./nearest.js";
import { sectionAbove, suggestKey } from "./suggest.js";
import type { Unsupported } from "@longshore/options/declare";
import { child, infoAt, type Shape, shapeOf, walkKeys } from "@longshore/options/shape";
import { formatPath, isNull, type MapNode, type Node, type ScalarNode, type Source } from "./yaml/tree.js";
import type { Path } from "@longshore/options/report";

export interface Interpreted {
  /** Plain values for the schema to check, without unknown keys, nulls and refused sections. */
  readonly value: unknown;
  /** Unknown keys, and keys that this version doesn't support. */
  readonly findings: readonly Finding[];
}

/**
 * Converts the tree's scalars to what the schema expects: a string field takes a scalar as it is written (`secret: 0123`),
 * while values below unknown keys keep their YAML type (wire contract §3.1).
 */
export function interpret(root: Node, schema: z.core.$ZodType): Interpreted {
  const interpreter = new Interpreter(schema);
  const value = interpreter.read(root, schema, []);
  return { value, findings: interpreter.findings };
}

/** The values of a tree, unconverted. */
export function plain(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([name, value]) => [name, plain(value)]));
}

type Struct = Extract<Shape, { kind: "struct" }>;

class Interpreter {
  readonly findings: Finding[] = [];
  readonly #root: z.core.$ZodType;

  constructor(root: z.core.$ZodType) {
    this.#root = root;
  }

  read(node: Node, schema: z.core.$ZodType | undefined, path: Path): unknown {
    if (!schema) return plain(node);
    const shape = shapeOf(schema);
    switch (shape.kind) {
      case "struct":
        return node.kind === "map" ? this.#struct(node, shape, path) : plain(node);
      case "map":
        if (node.kind !== "map") return plain(node);
        return this.#object([...node.entries], () => shape.value, path, node);
      case "list":
        if (node.kind !== "list") return plain(node);
        return node.items.map((item, index) => this.read(item, shape.item, [...path, index]));
      case "text":
        if (node.kind !== "scalar") return plain(node);
        this.#warnOfComment(node, shape, path);
        return node.text;
      default:
        if (node.kind === "scalar") {
          this.#warnOfComment(node, shape, path);
          this.#warnOfNanoseconds(node, shape, path);
        }
        return plain(node);
    }
  }

  #struct(map: MapNode, shape: Extract<Shape, { kind: "struct" }>, path: Path): unknown {
    const known: [string, Node][] = [];
    for (const [name, node] of map.entries) {
      const source = map.keys.get(name) ?? node.source;
      if (shape.fields.has(name) || shape.info?.unknownKeys === "allowed") known.push([name, node]);
      else this.#unknown(name, map, shape, path, source);
    }
    return this.#object(known, (name) => child(shape, name), path, map);
  }

  #object(
    entries: readonly (readonly [string, Node])[],
    schemaOf: (name: string) => z.core.$ZodType | undefined,
    path: Path,
    map: MapNode,
  ): unknown {
    const out: [string, unknown][] = [];
    for (const [name, node] of entries) {
      const schema = schemaOf(name);
      const unsupported = schema && shapeOf(schema).info?.unsupported;
      if (unsupported && isUsed(node, unsupported))
        this.#leaveOut([...path, name], node, unsupported, map.keys.get(name) ?? node.source);
      else if (!isNull(node)) out.push([name, this.read(node, schema, [...path, name])]);
      else if (schema && node.kind === "scalar") this.#warnOfComment(node, shapeOf(schema), [...path, name]);
    }
    return Object.fromEntries(out);
  }

  /** In YAML ` #` begins a comment, even within a password. */
  #warnOfComment(node: ScalarNode, shape: Shape, path: Path): void {
    const takesAnyText = shape.kind === "any" || (shape.kind === "text" && shape.info?.type.startsWith("`") !== true);
    if (node.comment === undefined || !takesAnyText) return;
    if (node.comment !== "word" && (isNull(node) || !infoAt(this.#root, path).secret)) return;
    const message = "what follows # is a comment, not part of the value; put the value in quotes if # belongs to it";
    this.findings.push(warning(path, node.source, message));
  }

  /** Go reads a number without a unit as nanoseconds, and a duration below a millisecond is hardly ever meant. */
  #warnOfNanoseconds({ value, text, source }: ScalarNode, { info }: Shape, path: Path): void {
    if (info?.type !== "duration" || (typeof value !== "number" && typeof value !== "string")) return;
    const time = parseDuration(value);
    if (time === undefined || time <= 0 || time >= 1) return;
    const found = typeof value === "number" ? `found ${text}, which means nanoseconds` : `found ${text}`;
    const unit = typeof value === "number" ? `such as ${text}ms or ${text}s` : "such as ms or s";
    const message = `${found}: less than a millisecond; add the unit you mean, ${unit}`;
    this.findings.push(warning(path, source, message));
  }

  #leaveOut(path: Path, node: Node, { when, what, instead, harmless }: Unsupported, source: Source): void {
    const place = node.source.origin === "environment" ? node.source : source;
    if (harmless === true) {
      this.findings.push(warning(path, place, `has no effect: Longshore doesn't support ${what}; ${instead}`));
      return;
    }
    const given = typeof when === "object" ? ` (${formatPath(path)}: ${when.equals})` : "";
    this.findings.push(error(path, place, `this version doesn't support ${what} yet${given}; ${instead}`));
  }

  #unknown(name: string, map: MapNode, shape: Struct, path: Path, source: Source): void {
    const full = [...path, name];
    const hint = this.#hint(name, map, shape, path);
    if (shape.info?.unknownKeys === "error") {
      const what =
        path[0] === "storage"
          ? "unknown key or storage driver"
          : `unknown key; in ${String(path[0])} no key is ignored`;
      const known = [...shape.fields.keys()].join(", ");
      this.findings.push(error(full, source, `${what}${hint}; known keys: ${known === "" ? "none" : known}`));
    } else if (concernsAccess(name, path)) {
      const message = `unknown key; it may be meant to protect the registry, so it isn't ignored${hint}`;
      this.findings.push(error(full, source, message));
    } else {
      this.findings.push(warning(full, source, `unknown key, ignored${hint}`));
    }
  }

  /**
   * Suggests the section below which the key may have lost its indentation, a similar key of the same section, or the only
   * other section with a key of this name.
   */
  #hint(name: string, map: MapNode, shape: Struct, path: Path): string {
    const above = sectionAbove(name, map, shape);
    if (above !== undefined) {
      const full = formatPath([...path, ...above.path]);
      return `; did you mean ${full}? If so, indent it below ${formatPath(above.path.slice(0, 1))} in line ${above.line}`;
    }
    const near = suggestKey(name, shape);
    if (near !== undefined) return `; did you mean ${formatPath([...path, near])}?`;
    const elsewhere: string[] = [];
    walkKeys(this.#root, (known, { info }) => {
      if (known.at(-1) === name) elsewhere.push(formatPath(known));
      return info?.unsupported?.when !== "present";
    });
    if (elsewhere.length === 1) return `; did you mean ${elsewhere[0]}?`;
    const far = nearest(name, shape.fields.keys());
    return far === undefined ? "" : `; did you mean ${formatPath([...path, far])}?`;
  }
}

function isUsed(node: Node, { when }: Unsupported): boolean {
  if (typeof when === "object") return node.kind === "scalar" && node.text === when.equals;
  if (when === "present") return true;
  if (when === "enabled-entries" && node.kind === "list") {
    return node.items.some((item) => item.kind !== "map" || !isTrue(item.entries.get("disabled")));
  }
  switch (node.kind) {
    case "list":
      return node.items.length > 0;
    case "map":
      return node.entries.size > 0;
    case "scalar":
      return node.value !== null && node.value !== false && node.text !== "";
  }
}

function isTrue(node: Node | undefined): boolean {
  return node?.kind === "scalar" && node.value === true;
}
