import { findKind } from "@longshore/options/kind";
import type { Path, Report } from "@longshore/options/report";
import { infoAt, shapeOf } from "@longshore/options/shape";
import { type ChosenMiddleware, MIDDLEWARE_KINDS, type MiddlewareKind } from "@longshore/storage";
import { describeText } from "./findings.js";
import { explained } from "./issues.js";
import { nearest } from "./nearest.js";
import type { ParsedConfig } from "./schema/root.js";

type Entries = ParsedConfig["middleware"]["storage"];

/** An enabled entry of `middleware.storage`, and its index in the list. */
export interface MiddlewareEntry {
  readonly index: number;
  readonly middleware: ChosenMiddleware;
}

/** The other settings that entries are checked against. */
interface Surroundings {
  /** The storage driver's name as written in the configuration, and its kind. */
  readonly type: string;
  readonly kind: string;
  readonly redirect: ParsedConfig["storage"]["redirect"];
}

/** The enabled entries of `middleware.storage`, each checked by itself and against the storage. */
export function middlewareConfig(entries: Entries, storage: Surroundings, report: Report): MiddlewareEntry[] {
  const enabled = entries.map((entry, index) => ({ entry, index })).filter(({ entry }) => !entry.disabled);
  if (enabled.length > 0 && isNeverRedirected(storage)) {
    const message = "has no effect with storage.redirect.disable: true, because no client is redirected";
    report.warning(["middleware", "storage"], message);
  }
  return enabled.flatMap(({ entry, index }) => {
    const path = ["middleware", "storage", index];
    const middleware = chooseMiddleware(entry, path, report);
    if (middleware === undefined) return [];
    if (middleware.worksWith?.includes(storage.kind) === false) {
      const works = middleware.worksWith.join(", ");
      report.warning(path, `has no effect with storage.${storage.type}: ${middleware.kind} works with ${works} only`);
    }
    for (const remark of middleware.remarks)
      report[remark.severity]([...path, "options", ...remark.path], remark.message);
    return [{ index, middleware }];
  });
}

function isNeverRedirected({ redirect }: Surroundings): boolean {
  return redirect.disable && redirect.clients.every((rule) => rule.disable);
}

function chooseMiddleware(
  { name = "", options = {} }: Entries[number],
  path: Path,
  report: Report,
): ChosenMiddleware | undefined {
  const kind = findKind(MIDDLEWARE_KINDS, name);
  if (kind === undefined) {
    const names = MIDDLEWARE_KINDS.map((each) => each.name);
    const near = nearest(name, names);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    const found = name === "" ? "missing (required)" : `found ${describeText(name, false)}`;
    report.error([...path, "name"], `${found}; expected one of ${names.join(", ")}${hint}`);
    return undefined;
  }
  const place = [...path, "options"];
  const areKnown = checkNames(kind, options, place, report);
  const schema = kind.section(kind.name);
  const chosen = schema.safeParse(options);
  if (chosen.success) return areKnown ? chosen.data : undefined;
  for (const issue of chosen.error.issues) {
    const steps = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    const found = options[String(steps[0])];
    const problem = explained(issue) ?? (found === undefined ? `missing (required by ${kind.name})` : undefined);
    const { info, secret } = infoAt(schema, steps);
    const shown = typeof found === "string" ? describeText(found, secret) : JSON.stringify(found);
    report.error([...place, ...steps], problem ?? `found ${shown}; expected ${info?.allowed ?? ""}`);
  }
  return undefined;
}

/** Reports unknown options as errors, because they would silently have no effect. */
function checkNames(kind: MiddlewareKind, options: object, place: Path, report: Report): boolean {
  const shape = shapeOf(kind.section(kind.name));
  const known = shape.kind === "struct" ? [...shape.fields.keys()] : [];
  const unknown = Object.keys(options).filter((option) => !known.includes(option));
  for (const option of unknown) {
    const near = nearest(option, known);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    report.error([...place, option], `${kind.name} has no such option${hint}; known options: ${known.join(", ")}`);
  }
  return unknown.length === 0;
}
