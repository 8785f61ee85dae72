import { formatPath, type Path, type Source } from "./yaml/tree.js";

/** Something to say about the configuration. An error stops the start; a warning is printed and logged. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly path: Path;
  /** Undefined: about the configuration as a whole. */
  readonly source: Source | undefined;
  /** What was found, what is allowed, what to do: never a secret. */
  readonly message: string;
}

export function error(path: Path, source: Source | undefined, message: string): Finding {
  return { severity: "error", path, source, message };
}

export function warning(path: Path, source: Source | undefined, message: string): Finding {
  return { severity: "warning", path, source, message };
}

/** A key that is given twice is a slip; where it may be the one that protects the registry, nobody guesses which was meant. */
export function strictAboutAccess(duplicate: Finding): Finding {
  const [section] = duplicate.path;
  if (section !== "auth" && section !== "access") return duplicate;
  return error(duplicate.path, duplicate.source, "given more than once; remove all but one");
}

/** One line for a person: `/etc/docker/registry/config.yml:12: http.draintimeout: found "5x"; allowed: …`. */
export function formatFinding(finding: Finding): string {
  const parts = [formatSource(finding.source), formatPath(finding.path), finding.message];
  return parts.filter((part) => part !== "").join(": ");
}

function formatSource(source: Source | undefined): string {
  if (source === undefined) return "";
  return source.origin === "file" ? `${source.file}:${source.line}` : `environment variable ${source.variable}`;
}

/** Errors first, then by place: the file from top to bottom, then the environment. */
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

/** Says what stands in the configuration; of a secret only what kind of thing it is. */
export function describeText(text: string, secret: boolean): string {
  if (secret) return "a text (not shown, since it may be secret)";
  const shown = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return JSON.stringify(shown);
}
