import { withDistributionTable } from "./distribution-table.js";
import { jsonSchema } from "./json-schema.js";
import { configurationReference } from "./markdown.js";

/**
 * The files that are generated from the schema, wholly or in part: `text` takes what the file holds now.
 * Paths are relative to the project's root.
 */
export const GENERATED: readonly { readonly path: string; readonly text: (current: string) => string }[] = [
  { path: "config/longshore.schema.json", text: jsonSchema },
  { path: "docs/configuration.md", text: configurationReference },
  { path: "docs/compatibility.md", text: withDistributionTable },
];
