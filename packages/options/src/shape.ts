import { z } from "zod";
import type { Path } from "./report.js";
import { type KeyInfo, keys } from "./declare.js";

/** A schema without its wrappers: what the environment, the messages and the reference need to walk it. */
export type Shape = { readonly info: KeyInfo | undefined } & (
  | { readonly kind: "struct"; readonly fields: ReadonlyMap<string, z.core.$ZodType> }
  | { readonly kind: "map"; readonly value: z.core.$ZodType }
  | { readonly kind: "list"; readonly item: z.core.$ZodType }
  | { readonly kind: "text" }
  | { readonly kind: "scalar" }
  | { readonly kind: "any" }
);

export function shapeOf(schema: z.core.$ZodType): Shape {
  const info = keys.get(schema);
  const inner = unwrap(schema);
  if (inner !== schema) {
    const shape = shapeOf(inner);
    return { ...shape, info: info ?? shape.info };
  }
  if (schema instanceof z.ZodObject) return { kind: "struct", fields: new Map(Object.entries(schema.shape)), info };
  if (schema instanceof z.ZodRecord) return { kind: "map", value: schema.valueType, info };
  if (schema instanceof z.ZodArray) return { kind: "list", item: schema.element, info };
  if (schema instanceof z.ZodUnknown) return { kind: "any", info };
  const type = schema._zod.def.type;
  return { kind: type === "string" || type === "enum" ? "text" : "scalar", info };
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return schema.unwrap();
  }
  if (schema instanceof z.ZodPipe) return schema.in instanceof z.ZodTransform ? schema.out : schema.in;
  return schema;
}

/** The schema of a key, an index, or any key of a map; undefined if the schema has none. */
export function child(shape: Shape, part: string | number): z.core.$ZodType | undefined {
  switch (shape.kind) {
    case "struct":
      return shape.fields.get(String(part));
    case "map":
      return shape.value;
    case "list":
      return shape.item;
    default:
      return undefined;
  }
}

/** The part of a variable's name that means the field `name`. */
export function variablePart(name: string, field: z.core.$ZodType): string {
  return shapeOf(field).info?.env ?? name.toUpperCase();
}

/** What is known of the deepest documented key on a path, and whether any key on the path is secret. */
export function infoAt(
  root: z.core.$ZodType,
  path: Path,
): { readonly info: KeyInfo | undefined; readonly secret: boolean } {
  let shape = shapeOf(root);
  let info = shape.info;
  let secret = false;
  for (const part of path) {
    const next = child(shape, part);
    if (!next) break;
    shape = shapeOf(next);
    info = shape.info ?? info;
    secret ||= shape.info?.secret === true;
  }
  return { info, secret: secret || path.some((part) => typeof part === "string" && tellsSecret(part)) };
}

/** Names that hold secrets wherever they appear, including in maps that the schema doesn't know. */
export const SECRET_NAME =
  /secret|password|passwd|token|credential|licensekey|apikey|accesskey|accountkey|encryptionkey|connectionstring/i;

/** Whether `name` sounds like a secret; some sections do, but hold none themselves. */
function tellsSecret(name: string): boolean {
  return name !== "htpasswd" && name !== "token" && name !== "tokenserver" && SECRET_NAME.test(name);
}

/** Calls `visit` for every key that the schema knows, from top to bottom; for a list, with the keys of its entries. */
export function walkKeys(schema: z.core.$ZodType, visit: (path: Path, shape: Shape) => boolean, path: Path = []): void {
  const shape = shapeOf(schema);
  if (path.length > 0 && !visit(path, shape)) return;
  if (shape.kind === "struct") for (const [name, field] of shape.fields) walkKeys(field, visit, [...path, name]);
  if (shape.kind === "list" && shapeOf(shape.item).kind === "struct") {
    for (const [name, field] of shapeFields(shape.item)) walkKeys(field, visit, [...path, 0, name]);
  }
}

function shapeFields(schema: z.core.$ZodType): ReadonlyMap<string, z.core.$ZodType> {
  const shape = shapeOf(schema);
  return shape.kind === "struct" ? shape.fields : new Map();
}
