import { jsonSchema } from "./json-schema.js";
import { configurationReference } from "./markdown.js";

/** The files that are generated from the schema; paths are relative to the project's root. */
export const GENERATED: readonly { readonly path: string; readonly text: () => string }[] = [
  { path: "config/longshore.schema.json", text: jsonSchema },
  { path: "docs/configuration.md", text: configurationReference },
];
