import type { Path, Report } from "@longshore/options/report";
import { isChosenCheck, type ChosenCheck } from "../health/kind.js";
import { quote } from "./quote.js";
import type { ParsedConfig } from "./schema/root.js";

/** A health check, and where the configuration names it. */
export interface ConfiguredCheck {
  readonly path: Path;
  readonly check: ChosenCheck;
}

/** The checks in the order of their kinds. Two of one name are an error, because one would hide the other. */
export function healthConfig({ gate, ...sections }: ParsedConfig["health"], report: Report) {
  const checks = Object.entries<unknown>(sections).flatMap(([name, value]) => checksIn(value, ["health", name]));
  const names = new Set<string>();
  for (const { path, check } of checks) {
    for (const { severity, path: within, message } of check.remarks) report[severity]([...path, ...within], message);
    if (check.label === undefined) continue;
    const { option, text } = check.label;
    if (names.has(text)) report.error([...path, option], `duplicate; there is already a check of ${quote(text)}`);
    names.add(text);
  }
  return { gate, checks };
}

function checksIn(value: unknown, path: Path): readonly ConfiguredCheck[] {
  if (Array.isArray(value)) return value.flatMap((each: unknown, index) => checksIn(each, [...path, index]));
  return isChosenCheck(value) ? [{ path, check: value }] : [];
}
