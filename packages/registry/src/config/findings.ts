import { formatPath, type Source } from "./yaml/tree.js";
import type { Path } from "@longshore/options/report";
import { quote, redactMessage } from "./quote.js";

/** A problem in the configuration. An error prevents the start; a warning is printed and logged. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly path: Path;
  /** Undefined if it concerns the configuration as a whole. */
  readonly source: Source | undefined;
  /** What was found, what is expected, what to do. Never contains a secret. */
  readonly message: string;
}

export function error(path: Path, source: Source | undefined, message: string): Finding {
  return { severity: "error", path, source, message: redactMessage(message) };
}

export function warning(path: Path, source: Source | undefined, message: string): Finding {
  return { severity: "warning", path, source, message: redactMessage(message) };
}

/**
 * A duplicate key is a mistake. If the key may be one that protects the registry, guessing which value was meant is too
 * dangerous.
 */
export function strictAboutAccess(duplicate: Finding): Finding {
  const [section] = duplicate.path;
  if (section !== "auth" && section !== "access" && section !== "tokenserver") return duplicate;
  return error(duplicate.path, duplicate.source, "given more than once; remove all but one");
}

/** Formats a finding as one line: `/etc/docker/registry/config.yml:12: http.draintimeout: found "5x"; expected …`. */
export function formatFinding(finding: Finding): string {
  const parts = [formatSource(finding.source), formatPath(finding.path), finding.message];
  return parts.filter((part) => part !== "").join(": ");
}

function formatSource(source: Source | undefined): string {
  if (source === undefined) return "";
  return source.origin === "file" ? `${source.file}:${source.line}` : `environment variable ${source.variable}`;
}

/** Sorts errors first, then by source: the file from top to bottom, then the environment. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, source }: Finding): [number, number, number, string] => [
    severity === "error" ? 0 : 1,
    source === undefined ? 2 : source.origin === "file" ? 0 : 1,
    source?.origin === "file" ? source.line : 0,
    source?.origin === "environment" ? source.variable : "",
  ];
  return [...findings].sort((a, b) => {
    const [a0, a1, a2, a3] = rank(a);
    const [b0, b1, b2, b3] = rank(b);
    return a0 - b0 || a1 - b1 || a2 - b2 || (a3 < b3 ? -1 : a3 > b3 ? 1 : 0);
  });
}

/** Describes a value of the configuration; of a secret, only its type. */
export function describeText(text: string, secret: boolean): string {
  if (secret) return "a string (not shown because it may be secret)";
  return quote(text);
}
