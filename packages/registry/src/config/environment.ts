import type { z } from "zod";
import { error, type Finding, strictAboutAccess, warning } from "./findings.js";
import { concernsAccess, nearest } from "./nearest.js";
import { suggestKey } from "./suggest.js";
import { child, type Shape, shapeOf, variablePart } from "@longshore/options/shape";
import { findServiceLinks } from "./service-links.js";
import { parseYaml } from "./yaml/parse.js";
import { emptyMap, isNull, type ListNode, type MapNode, type Node, setEntry, type Source } from "./yaml/tree.js";
import type { Path } from "@longshore/options/report";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The path of the file. Not a key of the file, although it is named like one. */
export const CONFIGURATION_PATH = "REGISTRY_CONFIGURATION_PATH";

const PREFIX = "REGISTRY_";

/**
 * Overrides the file's values with the `REGISTRY_*` variables (wire contract §3.2), in the order of their names. Where
 * Distribution loses a value (nested maps of the file, lists of strings by index, `…_READONLY_ENABLED`), this does what
 * Distribution documents. Variables that Kubernetes sets for services are ignored.
 * @param root is changed in place
 */
export function overlayEnvironment(root: MapNode, schema: z.core.$ZodType, environment: Environment): Finding[] {
  const names = Object.keys(environment).filter((name) => name.startsWith(PREFIX) && name !== CONFIGURATION_PATH);
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const links = findServiceLinks(names, environment, schema);
  const findings: Finding[] = [...links.findings];
  for (const name of names) {
    const value = environment[name];
    if (value === undefined || links.names.has(name)) continue;
    const overlay = new Overlay(name, value);
    overlay.assign(root, schema, name.split("_").slice(1), []);
    expandShorthands(root);
    findings.push(...overlay.findings);
  }
  return findings;
}

/** Expands `storage: inmemory` and `auth: none` to a map with that one key. */
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

  /** The new node at `path`; undefined if nothing changes. */
  assign(
    current: Node | undefined,
    schema: z.core.$ZodType | undefined,
    parts: readonly string[],
    path: Path,
  ): Node | undefined {
    const [part, ...rest] = parts;
    const shape: Shape = schema ? shapeOf(schema) : { kind: "any", info: undefined };
    if (part === undefined) return shape.kind === "text" ? this.#text(shape, path) : this.#parse(current, path);
    if (current?.kind === "list" || (shape.kind === "list" && isNull(current))) {
      return this.#element(current, shape, part, rest, path);
    }
    if (current?.kind === "scalar" && !isNull(current)) {
      return this.#ignored(path, "the file has a single value here, so a variable can't set a key below it");
    }
    const map = current?.kind === "map" ? current : emptyMap(this.#source);
    if (shape.kind === "struct" && shape.info?.untyped !== true) return this.#field(map, shape, part, rest, path);
    if (shape.kind === "text" || shape.kind === "scalar") {
      return this.#ignored(path, "this key takes a single value, so a variable can't set a key below it");
    }
    return this.#entry(map, shape, part, rest, path);
  }

  /**
   * The value of a string key, as it was written. As in Distribution, YAML's quotes are removed and `null` means no value;
   * but ` #` doesn't begin a comment, and a password with a colon isn't a map.
   */
  #text({ info }: Shape, path: Path): Node {
    const text = this.#value.trim();
    const { node } = parseYaml(text, { variable: this.#name });
    // Quotes after a document marker or an anchor (`--- "a"`, `&a 'b'`) are part of the value.
    const isQuoted = node?.kind === "scalar" && node.quoted && /^(?:["'!]|[|>].*\n)/.test(text);
    const isYaml = node?.kind === "scalar" && (isQuoted || node.text === text);
    if (isYaml && isNull(node) && text !== "" && info?.secret === true) {
      const message = "YAML reads this as no value; put it in quotes if it is meant literally";
      this.findings.push(warning(path, this.#source, message));
    }
    if (isYaml) return node;
    return { kind: "scalar", text, value: text, quoted: true, source: this.#source };
  }

  #parse(current: Node | undefined, path: Path): Node | undefined {
    const { node, findings } = parseYaml(this.#value, { variable: this.#name });
    for (const finding of findings)
      this.findings.push(strictAboutAccess({ ...finding, path: [...path, ...finding.path] }));
    if (path.length === 1 && path[0] === "auth" && isEmpty(node) && !isEmpty(current)) {
      const message =
        "empty, which would disable the authentication in the file; to do that on purpose, set REGISTRY_AUTH=none";
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
      if (variablePart(name, field) !== part) continue;
      return this.#set(map, name, this.assign(map.entries.get(name), field, rest, [...path, name]), rest);
    }
    if (shape.info?.envInline === part && rest[0] !== undefined)
      return this.#field(map, shape, rest[0], rest.slice(1), path);
    this.#unrecognized(shape, part, rest, path);
    return undefined;
  }

  /** The key of an untyped map: an existing one in any case, or else a new one in lower case. */
  #entry(map: MapNode, shape: Shape, part: string, rest: readonly string[], path: Path): Node | undefined {
    const there = [...map.entries].find(([name, node]) => name.toUpperCase() === part && !isNull(node));
    const fields = shape.kind === "struct" ? [...shape.fields] : [];
    const [declared] = fields.find(([key, field]) => variablePart(key, field) === part) ?? [part.toLowerCase()];
    const name = rest.length > 0 && there ? there[0] : declared;
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
        error(path, this.#source, `non-numeric index: ${part}; this is a list, whose entries are numbered`),
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
    const names = [...shape.fields].map(([name, field]) => variablePart(name, field));
    const key = suggestKey(part.toLowerCase(), shape);
    const field = key === undefined ? undefined : shape.fields.get(key);
    const near =
      nearest(part, names) ?? (key === undefined || field === undefined ? undefined : variablePart(key, field));
    const parts = this.#name.split("_");
    const at = parts.length - rest.length - 1;
    const suggestion = near && [...parts.slice(0, at), near, ...rest].join("_");
    const hint = suggestion === undefined || suggestion === this.#name ? "" : `; did you mean ${suggestion}?`;
    if (concernsAccess(part, path)) {
      const message = `unrecognized; it may be meant to protect the registry, so it isn't ignored${hint}`;
      this.findings.push(error(path, this.#source, message));
    } else {
      this.findings.push(
        warning(path, this.#source, `Ignoring unrecognized environment variable ${this.#name}${hint}`),
      );
    }
  }
}

/** Whether a node is null or a map without keys. */
function isEmpty(node: Node | undefined): boolean {
  return isNull(node) || (node?.kind === "map" && node.entries.size === 0);
}
