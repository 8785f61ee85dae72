import { setImmediate } from "node:timers/promises";
import { isDigest } from "@longshore/storage";
import type { Use } from "./use.js";
import type { UseTable } from "./use-table.js";

/** Lines that are written or read at a time, between which requests are answered. */
const LINES = 2000;
/** The longest line: a name, a tag, a digest, an account of {@link MAX_ACCOUNT} characters, times and quotes. */
const MAX_LINE = 1200;
/** Longer names of accounts are cut off. */
export const MAX_ACCOUNT = 128;

/** How many bytes a file about `items` tags and manifests has at most. */
export const largestFile = (items: number): number => items * MAX_LINE;

/**
 * A line of JSON for each use: repository, tag or digest, hour of the last pull, time, account and digest of the last push. If anything was
 * forgotten, a line before them says until when.
 */
export async function encodeUses(table: UseTable): Promise<Uint8Array> {
  const { forgottenUntil } = table;
  const chunks: string[] = forgottenUntil === 0 ? [] : [`${JSON.stringify({ forgottenUntil })}\n`];
  let lines: string[] = [];
  for (const [name, item, { pulled = 0, push }] of table.entries()) {
    const pushed = push === undefined ? [] : [push.at, push.account ?? "", push.digest];
    lines.push(JSON.stringify([name, item, pulled, ...pushed]));
    if (lines.length < LINES) continue;
    chunks.push(`${lines.join("\n")}\n`);
    lines = [];
    await setImmediate();
  }
  if (lines.length > 0) chunks.push(`${lines.join("\n")}\n`);
  return Buffer.from(chunks.join(""));
}

/** Adds what a file says to `table`. A damaged line says nothing. */
export async function decodeUses(bytes: Uint8Array, table: UseTable): Promise<void> {
  for (const [index, line] of Buffer.from(bytes).toString("utf8").split("\n").entries()) {
    if (index % LINES === LINES - 1) await setImmediate();
    const value = parseJson(line);
    const found = parseUse(value);
    if (found !== undefined) table.add(found.name, found.item, found.use);
    else table.forgetUntil(parseForgotten(value));
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function parseForgotten(value: unknown): number {
  if (typeof value !== "object" || value === null || !("forgottenUntil" in value)) return 0;
  return typeof value.forgottenUntil === "number" ? value.forgottenUntil : 0;
}

function parseUse(value: unknown): { readonly name: string; readonly item: string; readonly use: Use } | undefined {
  if (!Array.isArray(value)) return undefined;
  const [name, item, pulled, at, account, digest] = value as readonly unknown[];
  if (typeof name !== "string" || typeof item !== "string" || typeof pulled !== "number") return undefined;
  const known = pulled > 0 ? { pulled } : {};
  if (typeof at !== "number" || typeof account !== "string" || typeof digest !== "string" || !isDigest(digest))
    return { name, item, use: known };
  return { name, item, use: { ...known, push: { at, account: account === "" ? undefined : account, digest } } };
}
