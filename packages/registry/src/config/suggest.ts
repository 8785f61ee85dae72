import { type Shape, shapeOf } from "@longshore/options/shape";
import type { Path } from "@longshore/options/report";
import { nearest } from "./nearest.js";
import type { MapNode, Node } from "./yaml/tree.js";

type Struct = Extract<Shape, { kind: "struct" }>;

/** Shorter words are the beginning or end of too many others. */
const SHORTEST_PART = 4;

/**
 * The key of a section that an unknown one most likely means: an alias, a misspelling, or the beginning or end of its name.
 */
export function suggestKey(word: string, { fields }: Struct): string | undefined {
  const wanted = simplify(word);
  for (const [name, field] of fields) if (shapeOf(field).info?.aliases?.includes(wanted) === true) return name;
  const near = nearest(word, fields.keys(), 2);
  if (near !== undefined || wanted.length < SHORTEST_PART) return near;
  const related = [...fields.keys()].filter((name) => name.startsWith(wanted) || name.endsWith(wanted));
  return related.length === 1 ? related[0] : undefined;
}

function simplify(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** The section above an unknown key in the file that has a key of this name, in case the line has lost its indentation. */
export function sectionAbove(
  name: string,
  map: MapNode,
  shape: Struct,
): { readonly path: Path; readonly line: number } | undefined {
  let found: { readonly path: Path; readonly line: number } | undefined;
  for (const [other, node] of map.entries) {
    if (other === name) return found;
    const field = shape.fields.get(other);
    const source = map.keys.get(other);
    if (field === undefined || source?.origin !== "file") continue;
    const path = holderOf(name, shapeOf(field), node);
    found = path && { path: [other, ...path], line: source.line };
  }
  return undefined;
}

/** The path of `name` below a section, the section's last key, the last key of that, and so on. */
function holderOf(name: string, shape: Shape, node: Node): Path | undefined {
  if (shape.kind === "list") {
    const last = node.kind === "list" ? node.items.length - 1 : -1;
    const item = node.kind === "list" ? node.items[last] : undefined;
    const below = item && holderOf(name, shapeOf(shape.item), item);
    return below && [last, ...below];
  }
  if (shape.kind !== "struct") return undefined;
  if (shape.fields.has(name)) return [name];
  const [last, inner] = node.kind === "map" ? ([...node.entries].at(-1) ?? []) : [];
  const field = last === undefined ? undefined : shape.fields.get(last);
  if (last === undefined || inner === undefined || field === undefined) return undefined;
  const below = holderOf(name, shapeOf(field), inner);
  return below && [last, ...below];
}
