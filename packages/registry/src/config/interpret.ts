import { type z } from "zod";
import { error, type Finding, warning } from "./findings.js";
import { concernsAccess, nearest } from "./nearest.js";
import { type Later } from "./schema/kit.js";
import { child, type Shape, shapeOf, walkKeys } from "./schema/shape.js";
import { formatPath, isNull, type MapNode, type Node, type Path, type Source } from "./yaml/tree.js";

export interface Interpreted {
  /** Plain values for the schema to check: without unknown keys, nulls and what was refused. */
  readonly value: unknown;
  /** Unknown keys, and keys that this version doesn't have. */
  readonly findings: readonly Finding[];
}

/**
 * Gives the tree's scalars the form that the schema wants: a text field takes a scalar as it is written (`secret: 0123`),
 * everything below an untyped map keeps its YAML type (contract §3.1).
 */
export function interpret(root: Node, schema: z.core.$ZodType): Interpreted {
  const interpreter = new Interpreter(schema);
  const value = interpreter.read(root, schema, [], false);
  return { value, findings: interpreter.findings };
}

/** A tree's values as they are. */
export function plain(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([name, value]) => [name, plain(value)]));
}

class Interpreter {
  readonly findings: Finding[] = [];
  readonly #root: z.core.$ZodType;

  constructor(root: z.core.$ZodType) {
    this.#root = root;
  }

  read(node: Node, schema: z.core.$ZodType | undefined, path: Path, untyped: boolean): unknown {
    if (!schema) return plain(node);
    const shape = shapeOf(schema);
    const below = untyped || shape.info?.untyped === true;
    switch (shape.kind) {
      case "struct":
        return node.kind === "map" ? this.#struct(node, shape, path, below) : plain(node);
      case "map":
        if (node.kind !== "map") return plain(node);
        return this.#object([...node.entries], () => shape.value, path, node, below);
      case "list":
        if (node.kind !== "list") return plain(node);
        return node.items.map((item, index) => this.read(item, shape.item, [...path, index], below));
      case "text":
        return node.kind === "scalar" && !below ? node.text : plain(node);
      default:
        return plain(node);
    }
  }

  #struct(map: MapNode, shape: Extract<Shape, { kind: "struct" }>, path: Path, untyped: boolean): unknown {
    const known: [string, Node][] = [];
    for (const [name, node] of map.entries) {
      const source = map.keys.get(name) ?? node.source;
      if (shape.fields.has(name) || shape.info?.unknownKeys === "allowed") known.push([name, node]);
      else this.#unknown(name, shape, path, source);
    }
    return this.#object(known, (name) => child(shape, name), path, map, untyped);
  }

  #object(
    entries: readonly (readonly [string, Node])[],
    schemaOf: (name: string) => z.core.$ZodType | undefined,
    path: Path,
    map: MapNode,
    untyped: boolean,
  ): unknown {
    const out: [string, unknown][] = [];
    for (const [name, node] of entries) {
      const schema = schemaOf(name);
      const later = schema && shapeOf(schema).info?.later;
      if (later && isUsed(node, later)) this.#refuse([...path, name], node, later, map.keys.get(name) ?? node.source);
      else if (!isNull(node)) out.push([name, this.read(node, schema, [...path, name], untyped)]);
    }
    return Object.fromEntries(out);
  }

  #refuse(path: Path, node: Node, later: Later, source: Source): void {
    const given = typeof later.when === "object" ? `: ${later.when.equals}` : "";
    const place = node.source.origin === "environment" ? node.source : source;
    this.findings.push(
      error(
        path,
        place,
        `this version doesn't have ${later.what} yet${given && ` (${formatPath(path)}${given})`}; ${later.instead}`,
      ),
    );
  }

  #unknown(name: string, shape: Extract<Shape, { kind: "struct" }>, path: Path, source: Source): void {
    const full = [...path, name];
    const hint = this.#hint(name, shape, path);
    if (shape.info?.unknownKeys === "error") {
      const what =
        path[0] === "storage"
          ? "unknown key or storage driver"
          : `unknown key, and nothing about ${String(path[0])} is ignored`;
      const known = [...shape.fields.keys()].join(", ");
      this.findings.push(error(full, source, `${what}${hint}; known here: ${known === "" ? "none" : known}`));
    } else if (concernsAccess(name, path)) {
      const message = `unknown key, and it may be meant to protect the registry, so it is not ignored${hint}`;
      this.findings.push(error(full, source, message));
    } else {
      this.findings.push(warning(full, source, `unknown key, ignored${hint}`));
    }
  }

  /** The one place where a key of this name belongs, or else the nearest key of the same section. */
  #hint(name: string, shape: Extract<Shape, { kind: "struct" }>, path: Path): string {
    const elsewhere: string[] = [];
    walkKeys(this.#root, (known, { info }) => {
      if (known.at(-1) === name) elsewhere.push(formatPath(known));
      return info?.later?.when !== "present";
    });
    if (elsewhere.length === 1) return `; did you mean ${elsewhere[0]}?`;
    const near = nearest(name, shape.fields.keys());
    return near === undefined ? "" : `; did you mean ${formatPath([...path, near])}?`;
  }
}

function isUsed(node: Node, { when }: Later): boolean {
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
