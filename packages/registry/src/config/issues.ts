import type { z } from "zod";
import { quote } from "./quote.js";
import { describeText, error, type Finding } from "./findings.js";
import { infoAt } from "@longshore/options/shape";
import { locate, type Node } from "./yaml/tree.js";
import type { Path } from "@longshore/options/report";

/** Turns the schema's issues into one error for each bad value: where it is, what was found, what is expected. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], root: Node, schema: z.core.$ZodType): Finding[] {
  const findings = new Map<string, Finding>();
  for (const issue of issues) {
    const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    const id = JSON.stringify(path);
    if (findings.has(id)) continue;
    // A bad key is explained by the map that contains it.
    const about = issue.code === "invalid_key" ? path.slice(0, -1) : path;
    findings.set(id, explain(issue, { path, about }, root, schema));
  }
  return [...findings.values()];
}

/**
 * The message of a conflict between several options, written by the check that found it (`refuse` of @longshore/options).
 */
export function explained(issue: z.core.$ZodIssue): string | undefined {
  return issue.code === "custom" && issue.params?.["explained"] === true ? issue.message : undefined;
}

function explain(
  issue: z.core.$ZodIssue,
  { path, about }: { readonly path: Path; readonly about: Path },
  root: Node,
  schema: z.core.$ZodType,
): Finding {
  const { info, secret } = infoAt(schema, about);
  const { node, source } = locate(root, path);
  const message = explained(issue);
  if (message !== undefined) return error(path, node?.source ?? source, message);
  const expected = info === undefined ? "" : `; expected ${info.allowed}`;
  if (node === undefined) return error(path, source, `missing (required)${expected}`);
  const example = info?.type === "list of strings" && !secret ? listExample(node, path) : "";
  return error(path, node.source, `found ${describe(node, secret)}${expected}${example}`);
}

/** How to write a list that was given as one string, perhaps with commas between its entries. */
function listExample(node: Node, path: Path): string {
  if (node.kind !== "scalar" || node.value === null || node.text.length > 200) return "";
  const items = node.text.split(/[\s,]+/).filter((item) => item !== "");
  const list = `[${items.map(quote).join(", ")}]`;
  const { source } = node;
  const last = String(path.at(-1)).toUpperCase();
  const isWhole = source.origin === "environment" && source.variable.toUpperCase().endsWith(`_${last}`);
  return `; write it as ${isWhole ? `${source.variable}='${list}'` : list}`;
}

function describe(node: Node, secret: boolean): string {
  if (node.kind !== "scalar") return node.kind === "map" ? "a map" : "a list";
  if (node.value === null) return "nothing";
  if (typeof node.value === "string") return describeText(node.text, secret);
  if (secret) return `a ${typeof node.value} (not shown because it may be secret)`;
  const read = String(node.value);
  return read === node.text ? read : `${node.text}, which YAML 1.1 reads as ${read}`;
}
