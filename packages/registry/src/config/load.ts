import { type Config, type StorageType } from "./config.js";
import { type Environment, expandShorthands, overlayEnvironment } from "./environment.js";
import { error, type Finding, sortFindings, strictAboutAccess, warning } from "./findings.js";
import { interpret } from "./interpret.js";
import { explainIssues } from "./issues.js";
import { type Machine, normalise } from "./normalise.js";
import { type Report } from "./report.js";
import { CONTROLLERS } from "./schema/auth.js";
import { root as schema } from "./schema/root.js";
import { DRIVERS } from "./schema/storage.js";
import { Secret } from "./secret.js";
import { parseYaml } from "./yaml/parse.js";
import { emptyMap, isNull, locate, type MapNode, type Node, type Path, setEntry, type Source } from "./yaml/tree.js";

export interface LoadInput {
  /** The file's text. */
  readonly text: string;
  /** Its name in messages. */
  readonly file: string;
  readonly environment: Environment;
  readonly machine: Machine;
}

export type Loaded = LoadedConfig | RefusedConfig;

interface LoadedConfig {
  readonly config: Config;
  readonly errors: readonly [];
  readonly warnings: readonly Finding[];
  /** Where a key, or else the deepest section around it that was given, stands. */
  sourceOf(path: Path): Source;
}

interface RefusedConfig {
  readonly config: undefined;
  /** At least one. */
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/**
 * Makes the registry's configuration of the file and the environment: pure, it touches neither disk nor network.
 * Every finding is returned; there is a configuration only when none is an error.
 */
export function loadConfig({ text, file, environment, machine }: LoadInput): Loaded {
  const parsed = parseYaml(text, { file });
  if (!parsed.node) return refused(parsed.findings);
  const start: Source = { origin: "file", file, line: 1, column: 1 };
  const root: Node = isNull(parsed.node) ? emptyMap(start) : parsed.node;
  if (root.kind !== "map")
    return refused([error([], root.source, "found no keys; allowed: a map such as version: 0.1")]);

  const findings = parsed.findings.map(strictAboutAccess);
  expandShorthands(root);
  findings.push(...overlayEnvironment(root, schema, environment));
  fillNamed(root, "storage", DRIVERS);
  fillNamed(root, "auth", CONTROLLERS);
  const chosen = chooseTypes(root);
  findings.push(...chosen.findings);
  const interpreted = interpret(root, schema);
  findings.push(...interpreted.findings);
  const checked = schema.safeParse(interpreted.value);
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
  const config = normalise(checked.data, chosen.storage, machine, report);
  const { errors, warnings } = sorted(findings);
  if (errors.length > 0) return { config: undefined, errors, warnings };
  return { config: deepFreeze(config), errors: [], warnings, sourceOf: (path) => locate(root, path).source };
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
  readonly storage: StorageType;
  readonly noStorage: boolean;
  readonly findings: readonly Finding[];
}

/** The drivers that there are; any other one that is named is refused. */
const TYPES: readonly StorageType[] = ["filesystem", "inmemory", "s3", "s3aws"];

/** Exactly one storage driver and at most one kind of auth (contract §3.3). */
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
  const controllers = namesIn(auth, CONTROLLERS);
  if (exclusive(controllers).length > 1) findings.push(tooMany(root, "auth", controllers));
  if (root.entries.has("auth") && (isNull(auth) || (auth?.kind === "map" && auth.entries.size === 0))) {
    const message = "empty, so everybody may do everything; say auth: none to mean it";
    findings.push(warning(["auth"], locate(root, ["auth"]).source, message));
  }
  if (hasNoRules(root)) {
    const message = "empty; remove the section if every identity may do everything, or say who may do what";
    findings.push(error(["access"], locate(root, ["access"]).source, message));
  }
  return { storage: TYPES.find((type) => drivers.includes(type)) ?? "filesystem", noStorage, findings };
}

/** Those of which there may be one: client certificates can join passwords. */
function exclusive(names: readonly string[]): readonly string[] {
  return names.includes("htpasswd") ? names.filter((name) => name !== "mtls") : names;
}

/** Whether there is a section of rules with nothing in it: it would deny or allow all, and nobody knows which is meant. */
function hasNoRules({ entries }: MapNode): boolean {
  const access = entries.get("access");
  return entries.has("access") && (isNull(access) || (access?.kind === "list" && access.items.length === 0));
}

/**
 * A driver or a kind of auth that is named without keys (`inmemory:`) has all its defaults, like one with `{}`: what lacks
 * a required key (`silly:`) is refused for it, and never taken for absent, which would open the registry.
 */
function fillNamed(root: MapNode, section: "storage" | "auth", names: readonly string[]): void {
  const map = root.entries.get(section);
  const named = namesIn(map, names);
  // More than one is refused as a whole.
  if (map?.kind !== "map" || exclusive(named).length > 1) return;
  for (const name of named) {
    const node = map.entries.get(name);
    if (node && isNull(node)) setEntry(map, name, emptyMap(node.source), map.keys.get(name));
  }
}

function namesIn(node: Node | undefined, names: readonly string[]): string[] {
  return node?.kind === "map" ? names.filter((name) => node.entries.has(name)) : [];
}

/** Whether all that is there are the section's options, so that not even a misspelt driver is named. */
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
    ? `; set REGISTRY_${section.toUpperCase()}=${added.name} too, which replaces the whole section of the file`
    : "; remove the others";
  return error([section], (added ?? sources.at(-1))?.source, `${what}. Provided: [${names.join(" ")}]${advice}`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof RegExp || value instanceof Secret) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
