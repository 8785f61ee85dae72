import { z } from "zod";
import { type KeyInfo, keys } from "@longshore/options/declare";
import { root } from "../schema/root.js";
import { shapeOf } from "@longshore/options/shape";

/** The JSON Schema of config.yml, for editors. It describes the file as written, before defaults and conversions. */
export function jsonSchema(): string {
  const schema = z.toJSONSchema(root, {
    // The newest draft that the YAML language server supports completely.
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: json }) => {
      const info = keys.get(zodSchema);
      if (info) Object.assign(json, describe(info.meaning, info.unsupported));
      const shape = shapeOf(zodSchema);
      // A string key takes any scalar as it is written, but editors see `0.1` or `5000` as the number that YAML reads.
      if (shape.kind === "text" && json.type === "string" && json.enum === undefined)
        Object.assign(json, { type: ["string", "number", "boolean"] });
      if (shape.kind === "struct" && json.type === "object") {
        Object.assign(json, { additionalProperties: shape.info?.unknownKeys === "allowed", type: ["object", "null"] });
      }
    },
  });
  allowShorthand(schema, "storage", ["filesystem", "inmemory"]);
  allowShorthand(schema, "auth", ["none"]);
  return `${JSON.stringify({ title: "config.yml of a Longshore registry", ...schema }, null, 2)}\n`;
}

function describe(
  meaning: string,
  unsupported: KeyInfo["unsupported"],
): { description?: string; deprecated?: boolean } {
  const without = unsupported?.harmless === true ? "Has no effect" : "This version doesn't support it yet";
  const text = [meaning, unsupported && `${without}: ${unsupported.instead}.`].filter((part) => part).join(" ");
  return text === "" ? {} : { description: text };
}

/** Allows `storage: inmemory` in place of a map with that one key. */
function allowShorthand(schema: z.core.JSONSchema.BaseSchema, name: string, words: readonly string[]): void {
  const property = schema.properties?.[name];
  if (typeof property !== "object") return;
  const { description, ...section } = property;
  Object.assign(schema.properties ?? {}, { [name]: { description, anyOf: [section, { enum: [...words] }] } });
}
