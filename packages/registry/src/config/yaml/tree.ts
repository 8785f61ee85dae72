import type { Path } from "@longshore/options/report";
import { quote } from "../quote.js";
import type { ScalarValue } from "./scalar.js";

/** Where a value was given. Lines and columns count from 1. */
export type Source =
  | { readonly origin: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly origin: "environment"; readonly variable: string };

/** The values of the file before any key is interpreted: what was written, and where. The environment is applied on top. */
export type Node = ScalarNode | MapNode | ListNode;

export interface ScalarNode {
  readonly kind: "scalar";
  /** As written, without quotes: the value for a string field, whatever it looks like. */
  readonly text: string;
  readonly value: ScalarValue;
  /** Whether quotes, a block or a tag make it a string. */
  readonly quoted: boolean;
  /** The comment on its line: `#word`, which may have been meant as part of the value, or any other. */
  readonly comment?: "word" | "other" | undefined;
  readonly source: Source;
}

export interface MapNode {
  readonly kind: "map";
  readonly entries: Map<string, Node>;
  /** The position of each key, which may be lines above its value. */
  readonly keys: Map<string, Source>;
  readonly source: Source;
}

export interface ListNode {
  readonly kind: "list";
  readonly items: Node[];
  readonly source: Source;
}

export function emptyMap(source: Source): MapNode {
  return { kind: "map", entries: new Map(), keys: new Map(), source };
}

/** Sets a key, replacing the value and position of an existing one. */
export function setEntry(map: MapNode, key: string, value: Node, source: Source = value.source): void {
  map.entries.set(key, value);
  map.keys.set(key, source);
}

export function isNull(node: Node | undefined): boolean {
  return node === undefined || (node.kind === "scalar" && node.value === null);
}

/** The node at a path, and the position of the deepest existing part of the path. */
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

/** Every value in `node` with its path, in the order of the file. */
export function* valuesOf(node: Node, path: Path = []): Generator<readonly [path: Path, value: ScalarNode]> {
  if (node.kind === "scalar") {
    yield [path, node];
    return;
  }
  const children = node.kind === "map" ? node.entries : node.items.entries();
  for (const [key, child] of children) yield* valuesOf(child, [...path, key]);
}

/** `notifications.endpoints[0].url`; a part with other characters is quoted. */
export function formatPath(path: Path): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else out += `${out === "" ? "" : "."}${/^[\w-]+$/.test(part) ? part : quote(part)}`;
  }
  return out;
}
