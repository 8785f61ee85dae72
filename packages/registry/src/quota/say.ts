import type { Measure } from "@longshore/policy";
import { formatBytes } from "./format-bytes.js";

const SINGULAR = { tags: "tag", repositories: "repository" } as const;

/** `1.5 GiB`, `1 tag`, `2 tags`. */
export function sayAmount(measure: Measure, amount: number): string {
  if (measure === "bytes") return formatBytes(amount);
  return `${amount} ${amount === 1 ? SINGULAR[measure] : measure}`;
}

/** `1.5 GiB are used`, `1 tag is used`. */
export function sayUsed(measure: Measure, amount: number): string {
  return `${sayAmount(measure, amount)} ${measure !== "bytes" && amount === 1 ? "is" : "are"} used`;
}
