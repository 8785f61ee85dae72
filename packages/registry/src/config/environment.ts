import { type z } from "zod";
import { error, type Finding, strictAboutAccess, warning } from "./findings.js";
import { concernsAccess, nearest } from "./nearest.js";
import { child, type Shape, shapeOf } from "./schema/shape.js";
import { parseYaml } from "./yaml/parse.js";
import {
  emptyMap,
  isNull,
  type ListNode,
  type MapNode,
  type Node,
  type Path,
  setEntry,
  type Source,
} from "./yaml/tree.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the file is. Not a key of the file, though its name looks like one. */
export const CONFIGURATION_PATH = "REGISTRY_CONFIGURATION_PATH";

const PREFIX = "REGISTRY_";

/**
 * Lays `REGISTRY_*` over the file's values (contract §3.2), in the order of the variables' names. Where the original loses
 * a value (nested maps of the file, lists of texts by index, `…_READONLY_ENABLED`), the documented thing happens.
 * @param root is changed in place
 */
export function overlayEnvironment(root: MapNode, schema: z.core.$ZodType, environment: Environment): Finding[] {
  const names = Object.keys(environment).filter((name) => name.startsWith(PREFIX) && name !== CONFIGURATION_PATH);
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const findings: Finding[] = [];
  for (const name of names) {
    const value = environment[name];
    if (value === undefined) continue;
    const overlay = new Overlay(name, value);
    overlay.assign(root, schema, name.split("_").slice(1), []);
    expandShorthands(root);
    findings.push(...overlay.findings);
  }
  return findings;
}

/** `storage: inmemory` and `auth: none` are short for a map with that one key. */
export function expandShorthands(root: MapNode): void {
  for (const name of ["storage", "auth"]) {
    const node = root.entries.get(name);
    if (node?.kind !== "scalar" || node.value === null) continue;
    const map = emptyMap(node.source);
    setEntry(map, node.text, emptyMap(node.source));
    setEntry(root, name, map, root.keys.get(name));
  }
}

class Overlay {
  readonly findings: Finding[] = [];
  readonly #name: string;
  readonly #value: string;
  readonly #source: Source;

  constructor(name: string, value: string) {
    this.#name = name;
    this.#value = value;
    this.#source = { origin: "environment", variable: name };
  }

  /** What stands at `path` afterwards; undefined: nothing is changed. */
  assign(
    current: Node | undefined,
    schema: z.core.$ZodType | undefined,
    parts: readonly string[],
    path: Path,
  ): Node | undefined {
    const [part, ...rest] = parts;
    if (part === undefined) return this.#parse(current, path);
    const shape: Shape = schema ? shapeOf(schema) : { kind: "any", info: undefined };
    if (current?.kind === "list" || (shape.kind === "list" && isNull(current))) {
      return this.#element(current, shape, part, rest, path);
    }
    if (current?.kind === "scalar" && !isNull(current)) {
      return this.#ignored(path, "there is a single value here, so a variable can't set a key below it");
    }
    const map = current?.kind === "map" ? current : emptyMap(this.#source);
    if (shape.kind === "struct" && shape.info?.untyped !== true) return this.#field(map, shape, part, rest, path);
    if (shape.kind === "text" || shape.kind === "scalar") {
      return this.#ignored(path, "this key takes a single value, so a variable can't set a key below it");
    }
    return this.#entry(map, shape, part, rest, path);
  }

  #parse(current: Node | undefined, path: Path): Node | undefined {
    const { node, findings } = parseYaml(this.#value, { variable: this.#name });
    for (const finding of findings)
      this.findings.push(strictAboutAccess({ ...finding, path: [...path, ...finding.path] }));
    if (path.length === 1 && path[0] === "auth" && isEmpty(node) && !isEmpty(current)) {
      const message =
        "empty, which would switch off the auth of the file; to do that on purpose, say REGISTRY_AUTH=none";
      this.findings.push(error(path, this.#source, message));
      return undefined;
    }
    return node;
  }

  #field(
    map: MapNode,
    shape: Extract<Shape, { kind: "struct" }>,
    part: string,
    rest: readonly string[],
    path: Path,
  ): Node | undefined {
    for (const [name, field] of shape.fields) {
      if ((shapeOf(field).info?.env ?? name.toUpperCase()) !== part) continue;
      return this.#set(map, name, this.assign(map.entries.get(name), field, rest, [...path, name]), rest);
    }
    if (shape.info?.envInline === part && rest[0] !== undefined)
      return this.#field(map, shape, rest[0], rest.slice(1), path);
    this.#unrecognized(shape, part, rest, path);
    return undefined;
  }

  /** A key of an untyped map: one that is there, whatever its case, to go on below it; otherwise one in lower case. */
  #entry(map: MapNode, shape: Shape, part: string, rest: readonly string[], path: Path): Node | undefined {
    const there = [...map.entries].find(([name, node]) => name.toUpperCase() === part && !isNull(node));
    const name = rest.length > 0 && there ? there[0] : part.toLowerCase();
    return this.#set(map, name, this.assign(map.entries.get(name), child(shape, name), rest, [...path, name]), rest);
  }

  #set(map: MapNode, name: string, value: Node | undefined, rest: readonly string[]): Node | undefined {
    if (value === undefined) return undefined;
    setEntry(map, name, value, rest.length === 0 ? this.#source : map.keys.get(name));
    return map;
  }

  #element(
    current: Node | undefined,
    shape: Shape,
    part: string,
    rest: readonly string[],
    path: Path,
  ): Node | undefined {
    const list: ListNode = current?.kind === "list" ? current : { kind: "list", items: [], source: this.#source };
    if (!/^[0-9]{1,9}$/.test(part)) {
      this.findings.push(
        error(path, this.#source, `non-numeric index: ${part}; this is a list, whose entries have numbers`),
      );
      return undefined;
    }
    const index = Number(part);
    if (index > list.items.length) {
      const message = `undefined index: ${index}; the list has ${list.items.length} entries, so the next one is ${list.items.length}`;
      this.findings.push(error(path, this.#source, message));
      return undefined;
    }
    const value = this.assign(list.items[index], child(shape, index), rest, [...path, index]);
    if (value === undefined) return undefined;
    list.items[index] = value;
    return list;
  }

  #ignored(path: Path, reason: string): Node | undefined {
    this.findings.push(warning(path, this.#source, `ignored: ${reason}`));
    return undefined;
  }

  #unrecognized(shape: Extract<Shape, { kind: "struct" }>, part: string, rest: readonly string[], path: Path): void {
    const names = [...shape.fields].map(([name, field]) => shapeOf(field).info?.env ?? name.toUpperCase());
    const near = nearest(part, names);
    const parts = this.#name.split("_");
    const at = parts.length - rest.length - 1;
    const suggestion = near && [...parts.slice(0, at), near, ...rest].join("_");
    const hint = suggestion === undefined || suggestion === this.#name ? "" : `; did you mean ${suggestion}?`;
    if (concernsAccess(part, path)) {
      const message = `unrecognized, and it may be meant to protect the registry, so it is not ignored${hint}`;
      this.findings.push(error(path, this.#source, message));
    } else {
      this.findings.push(
        warning(path, this.#source, `Ignoring unrecognized environment variable ${this.#name}${hint}`),
      );
    }
  }
}

/** Whether nothing is said: null, or a map without keys. */
function isEmpty(node: Node | undefined): boolean {
  return isNull(node) || (node?.kind === "map" && node.entries.size === 0);
}
