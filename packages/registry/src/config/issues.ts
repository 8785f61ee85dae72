import { type z } from "zod";
import { describeText, error, type Finding } from "./findings.js";
import { infoAt } from "./schema/shape.js";
import { locate, type Node, type Path } from "./yaml/tree.js";

/** Makes of what the schema refuses one error for each bad value: where, what was found, what is allowed. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], root: Node, schema: z.core.$ZodType): Finding[] {
  const findings = new Map<string, Finding>();
  for (const issue of issues) {
    const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    const id = JSON.stringify(path);
    if (!findings.has(id)) findings.set(id, explain(path, root, schema));
  }
  return [...findings.values()];
}

function explain(path: Path, root: Node, schema: z.core.$ZodType): Finding {
  const { info, secret } = infoAt(schema, path);
  const { node, source } = locate(root, path);
  const allowed = info === undefined ? "" : `; allowed: ${info.allowed}`;
  return error(path, node?.source ?? source, `found ${describe(node, secret)}${allowed}`);
}

function describe(node: Node | undefined, secret: boolean): string {
  if (node === undefined) return "nothing";
  if (node.kind !== "scalar") return node.kind === "map" ? "a map" : "a list";
  if (node.value === null) return "nothing";
  if (typeof node.value === "string") return describeText(node.text, secret);
  if (secret) return `a ${typeof node.value} (not shown, since it may be secret)`;
  const read = String(node.value);
  return read === node.text ? read : `${node.text}, which YAML 1.1 reads as ${read}`;
}
