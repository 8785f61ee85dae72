import { type ScalarValue } from "./scalar.js";

/** Where a value was given. Lines and columns count from 1. */
export type Source =
  | { readonly origin: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly origin: "environment"; readonly variable: string };

/** The file's values before any key is known: what was written, and where. The environment is laid over it. */
export type Node = ScalarNode | MapNode | ListNode;

interface ScalarNode {
  readonly kind: "scalar";
  /** As written, without quotes: what a text field takes, whatever it looks like. */
  readonly text: string;
  readonly value: ScalarValue;
  readonly source: Source;
}

export interface MapNode {
  readonly kind: "map";
  readonly entries: Map<string, Node>;
  /** Where each key stands, which may be lines above its value. */
  readonly keys: Map<string, Source>;
  readonly source: Source;
}

export interface ListNode {
  readonly kind: "list";
  readonly items: Node[];
  readonly source: Source;
}

export type Path = readonly (string | number)[];

export function emptyMap(source: Source): MapNode {
  return { kind: "map", entries: new Map(), keys: new Map(), source };
}

/** Sets a key; a key that was there before keeps neither its value nor its place. */
export function setEntry(map: MapNode, key: string, value: Node, source: Source = value.source): void {
  map.entries.set(key, value);
  map.keys.set(key, source);
}

export function isNull(node: Node | undefined): boolean {
  return node === undefined || (node.kind === "scalar" && node.value === null);
}

/** The node at a path, and where the deepest part of the path that exists was given. */
export function locate(root: Node, path: Path): { readonly node: Node | undefined; readonly source: Source } {
  let node: Node | undefined = root;
  let source = root.source;
  for (const part of path) {
    let next: Node | undefined;
    if (node.kind === "map" && typeof part === "string") {
      next = node.entries.get(part);
      source = node.keys.get(part) ?? source;
    } else if (node.kind === "list" && typeof part === "number") {
      next = node.items[part];
      source = next?.source ?? source;
    }
    if (!next) return { node: undefined, source };
    node = next;
  }
  return { node, source };
}

/** `notifications.endpoints[0].url`; a part with other characters is quoted. */
export function formatPath(path: Path): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else out += `${out === "" ? "" : "."}${/^[\w-]+$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return out;
}
