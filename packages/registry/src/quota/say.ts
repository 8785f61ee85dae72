import type { Measure } from "@longshore/policy";
import { counted, countedRepositories, formatBytes } from "../wording.js";

/** `1.5 GiB`, `1 tag`, `2 tags`. */
export function sayAmount(measure: Measure, amount: number): string {
  switch (measure) {
    case "bytes":
      return formatBytes(amount);
    case "tags":
      return counted(amount, "tag");
    case "repositories":
      return countedRepositories(amount);
  }
}

/** `1.5 GiB are used`, `1 tag is used`. */
export function sayUsed(measure: Measure, amount: number): string {
  return `${sayAmount(measure, amount)} ${measure !== "bytes" && amount === 1 ? "is" : "are"} used`;
}
