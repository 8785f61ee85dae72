import { AUTH_KINDS, canCombine } from "@longshore/auth";
import { namesOf } from "@longshore/options/kind";
import { isChosenDriver } from "@longshore/storage";
import type { Config } from "./config.js";
import { type Environment, expandShorthands, overlayEnvironment } from "./environment.js";
import { error, type Finding, sortFindings, strictAboutAccess, warning } from "./findings.js";
import { interpret } from "./interpret.js";
import { explainIssues } from "./issues.js";
import { listFiles, type NamedFile } from "./named-files.js";
import { type Machine, normalise } from "./normalise.js";
import { root as schema } from "./schema/root.js";
import { DRIVERS } from "./schema/storage.js";
import { listSettings, type Setting } from "./settings.js";
import { Secret } from "@longshore/options/secret";
import { parseYaml } from "./yaml/parse.js";
import { emptyMap, isNull, locate, type MapNode, type Node, setEntry, type Source } from "./yaml/tree.js";
import type { Path, Report } from "@longshore/options/report";

export interface LoadInput {
  /** The contents of the file. */
  readonly text: string;
  /** The file's name in messages. */
  readonly file: string;
  readonly environment: Environment;
  readonly machine: Machine;
}

export type Loaded = LoadedConfig | RefusedConfig;

interface LoadedConfig {
  readonly config: Config;
  readonly errors: readonly [];
  readonly warnings: readonly Finding[];
  /** The position of a key, or else of the deepest section around it that was given. */
  sourceOf(path: Path): Source;
  /** Every value with where it comes from, without secrets. */
  settings(): readonly Setting[];
  /** Every file and directory that is named. */
  files(): readonly NamedFile[];
}

interface RefusedConfig {
  readonly config: undefined;
  /** At least one error. */
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/**
 * Loads the registry's configuration from the file and the environment. It is pure: it accesses neither disk nor network.
 * All findings are returned, with a configuration only if none of them is an error.
 */
export function loadConfig({ text, file, environment, machine }: LoadInput): Loaded {
  const parsed = parseYaml(text, { file });
  if (!parsed.node) return refused(parsed.findings);
  const start: Source = { origin: "file", file, line: 1, column: 1 };
  const root: Node = isNull(parsed.node) ? emptyMap(start) : parsed.node;
  if (root.kind !== "map")
    return refused([error([], root.source, "found no keys; expected a map such as version: 0.1")]);

  const findings = parsed.findings.map(strictAboutAccess);
  expandShorthands(root);
  findings.push(...overlayEnvironment(root, schema, environment));
  fillNamed(root, "storage", DRIVERS);
  fillNamed(root, "auth", [...CONTROLLERS.keys()]);
  const chosen = chooseTypes(root);
  findings.push(...chosen.findings);
  const interpreted = interpret(root, schema);
  findings.push(...interpreted.findings);
  // A schema that is used once isn't worth compiling, which takes longer than the rest of this function.
  const checked = schema.safeParse(interpreted.value, { jitless: true });
  if (!checked.success) {
    const issues = explainIssues(checked.error.issues, root, schema);
    return refused([
      ...findings,
      ...issues.filter((issue) => !(chosen.noStorage && issue.path.join(".") === "storage")),
    ]);
  }
  const report: Report = {
    error: (path, message) => findings.push(error(path, locate(root, path).source, message)),
    warning: (path, message) => findings.push(warning(path, locate(root, path).source, message)),
  };
  const driver = Object.values<unknown>(checked.data.storage).find(isChosenDriver);
  // The section names a driver, or an error about that has been reported.
  if (driver === undefined) return refused(findings);
  const config = normalise(checked.data, { type: chosen.storage, driver }, machine, report);
  const { errors, warnings } = sorted(findings);
  if (errors.length > 0) return { config: undefined, errors, warnings };
  return {
    config: deepFreeze(config),
    errors: [],
    warnings,
    sourceOf: (path) => locate(root, path).source,
    settings: () => listSettings(root, schema),
    files: () => listFiles(root, schema),
  };
}

function refused(findings: readonly Finding[]): RefusedConfig {
  return { config: undefined, ...sorted(findings) };
}

function sorted(findings: readonly Finding[]): { errors: Finding[]; warnings: Finding[] } {
  const all = sortFindings(findings);
  return {
    errors: all.filter(({ severity }) => severity === "error"),
    warnings: all.filter(({ severity }) => severity === "warning"),
  };
}

interface ChosenTypes {
  /** The driver's name as written in the configuration. */
  readonly storage: string;
  readonly noStorage: boolean;
  readonly findings: readonly Finding[];
}

/** Access controllers and identity sources, by each of their names. */
const CONTROLLERS = namesOf(AUTH_KINDS);

/** Checks that there is exactly one storage driver and at most one kind of auth (wire contract §3.3). */
function chooseTypes(root: MapNode): ChosenTypes {
  const findings: Finding[] = [];
  const storage = root.entries.get("storage");
  const drivers = namesIn(storage, DRIVERS);
  const noStorage =
    isNull(storage) || (storage?.kind === "map" && namesIn(storage, [...storage.entries.keys()]).length === 0);
  if (drivers.length > 1) findings.push(tooMany(root, "storage", drivers));
  else if (noStorage || (storage?.kind === "map" && drivers.length === 0 && onlyOptions(storage))) {
    const message =
      "no storage configuration provided; name a driver, such as filesystem: {rootdirectory: /var/lib/registry}";
    findings.push(error(["storage"], locate(root, ["storage"]).source, message));
  }
  const auth = root.entries.get("auth");
  const controllers = namesIn(auth, [...CONTROLLERS.keys()]);
  if (!canCombineNames(controllers)) findings.push(tooMany(root, "auth", controllers));
  if (root.entries.has("auth") && (isNull(auth) || (auth?.kind === "map" && auth.entries.size === 0))) {
    const message = "empty, so anyone may do anything; write auth: none if that is intended";
    findings.push(warning(["auth"], locate(root, ["auth"]).source, message));
  }
  if (hasNoRules(root)) {
    const message = "empty; add rules, or remove the section if every user may do everything";
    findings.push(error(["access"], locate(root, ["access"]).source, message));
  }
  return { storage: drivers[0] ?? "", noStorage, findings };
}

/** Whether these sections of `auth` or `storage` may be combined. */
function canCombineNames(names: readonly string[]): boolean {
  const kinds = names.map((name) => CONTROLLERS.get(name)).filter((kind) => kind !== undefined);
  return names.length < 2 || (kinds.length === names.length && canCombine(kinds.map(({ role }) => role)));
}

/** Whether there is an empty section of rules, which leaves open whether everything is to be denied or allowed. */
function hasNoRules({ entries }: MapNode): boolean {
  const access = entries.get("access");
  return entries.has("access") && (isNull(access) || (access?.kind === "list" && access.items.length === 0));
}

/**
 * A driver or a kind of auth without keys (`inmemory:`) gets its defaults, as if written with `{}`. If a required key is
 * missing (`silly:`), it is refused; it is never treated as absent, which would open the registry to anyone.
 */
function fillNamed(root: MapNode, section: "storage" | "auth", names: readonly string[]): void {
  const map = root.entries.get(section);
  const named = namesIn(map, names);
  // More than one is refused elsewhere.
  if (map?.kind !== "map" || !canCombineNames(named)) return;
  for (const name of named) {
    const node = map.entries.get(name);
    if (node && isNull(node)) setEntry(map, name, emptyMap(node.source), map.keys.get(name));
  }
}

function namesIn(node: Node | undefined, names: readonly string[]): string[] {
  return node?.kind === "map" ? names.filter((name) => node.entries.has(name)) : [];
}

/** Whether the section has only common options, so that no driver is named, not even a misspelt one. */
function onlyOptions(storage: MapNode): boolean {
  const options = ["maintenance", "cache", "delete", "redirect", "tag"];
  return [...storage.entries.keys()].every((name) => options.includes(name));
}

function tooMany(root: MapNode, section: "storage" | "auth", names: readonly string[]): Finding {
  const what =
    section === "storage"
      ? "multiple storage drivers specified in configuration or environment: must provide exactly one storage type"
      : "must provide exactly one type";
  const sources = names.map((name) => ({ name, source: locate(root, [section, name]).source }));
  const added = sources.find(({ source }) => source.origin === "environment");
  const advice = added
    ? `; set REGISTRY_${section.toUpperCase()}=${added.name} too, which replaces the whole section in the file`
    : "; remove the others";
  return error([section], (added ?? sources.at(-1))?.source, `${what}. Provided: [${names.join(" ")}]${advice}`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
