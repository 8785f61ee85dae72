import { createNetworks } from "@longshore/base/network";
import { compileGlob } from "./glob.js";
import { findNameProblem } from "./name-pattern.js";
import type { RuleEntry, RuleMatch, SimpleEntry } from "./rules.js";
import { parseTemplate, type Template } from "./template.js";
import { placeBelow } from "./compile-rules.js";
import { parseEntry } from "./entries.js";
import { RE2JS } from "re2js";

/** An entry that can never decide. */
export interface DeadRule {
  /** The index of the entry. */
  readonly entry: number;
  /** Steps below the entry: `["match", "name"]`; none if the whole entry is meant. */
  readonly steps: readonly (string | number)[];
  /** Why, and what to do. */
  readonly reason: string;
}

/** One of the conditions that an entry stands for. */
interface Part {
  readonly entry: number;
  readonly match: RuleMatch;
  /** Whether it is for `anonymous` in the simple form: it adds to what others grant, and decides for nobody else. */
  readonly isShared: boolean;
  /** Whether it is never for clients that don't log in, whatever its pattern of accounts matches. */
  readonly isForUsers: boolean;
}

/**
 * Finds entries that can never decide: those after one that matches everything that they match, those for names that no repository
 * can have, and those for labels that no source gives (`labels`; undefined: that can't be told). Every result is real, but finding
 * none doesn't prove that there is none. Throws AuthError for entries that can't be understood.
 */
export function findDeadRules(list: readonly unknown[], labels?: ReadonlySet<string>): readonly DeadRule[] {
  const entries = list.map((entry, index) => parseEntry(entry, placeBelow("access"), index));
  const parts = entries.map(partsOf);
  return entries.flatMap((entry, index) => {
    const impossible = impossibleIn(entry, index, labels);
    if (impossible !== undefined) return [impossible];
    const before = parts.slice(0, index).flat();
    const covers = (parts[index] ?? []).map((part) => before.find((earlier) => covered(part, earlier)));
    const [first] = covers;
    if (first === undefined || covers.includes(undefined)) return [];
    const reason = `never decides: rule ${first.entry + 1} of the list, before it, matches everything that it matches; put it first, or remove it`;
    return [{ entry: index, steps: [], reason }];
  });
}

function partsOf(entry: RuleEntry, index: number): readonly Part[] {
  if ("match" in entry) return [{ entry: index, match: entry.match, isShared: false, isForUsers: false }];
  const isShared = entry.name === "anonymous";
  const whom = { entry: index, isShared, isForUsers: !isShared };
  const account = isShared ? {} : { account: entry.name };
  const name = entry.repository === undefined ? {} : { name: entry.repository };
  const repositories = { ...whom, match: { ...account, type: "repository", ...name } };
  if (entry.type === "repository") return [repositories];
  return [repositories, { ...whom, match: { ...account, type: "registry", name: "catalog" } }];
}

function impossibleIn(entry: RuleEntry, index: number, labels: ReadonlySet<string> | undefined): DeadRule | undefined {
  const match = "match" in entry ? entry.match : simpleMatch(entry);
  const step = (key: string): readonly string[] => ("match" in entry ? ["match", key] : [SIMPLE[key] ?? key]);
  const type = match.type ?? "repository";
  const problem = match.name === undefined || type !== "repository" ? undefined : findNameProblem(match.name);
  // Without a type it may be meant for the catalog, whose name is one that a repository could have.
  if (problem !== undefined) return { entry: index, steps: step("name"), reason: problem };
  if (labels === undefined) return undefined;
  const wanted = Object.keys(match.labels ?? {}).find((label) => !labels.has(label));
  if (wanted !== undefined)
    return { entry: index, steps: ["match", "labels", wanted], reason: noLabel(wanted, labels) };
  for (const [key, pattern] of Object.entries(patternsOf(match))) {
    const unknown = labelsIn(pattern).find((label) => !labels.has(label));
    if (unknown !== undefined) return { entry: index, steps: step(key), reason: noLabel(unknown, labels) };
  }
  return undefined;
}

/** Keys of the simple form, by those of a match. */
const SIMPLE: Readonly<Record<string, string>> = { account: "name", name: "repository" };

function simpleMatch({ name, repository }: SimpleEntry): RuleMatch {
  return { account: name, type: "repository", ...(repository === undefined ? {} : { name: repository }) };
}

function patternsOf({ account, type, name, service }: RuleMatch): Readonly<Record<string, string>> {
  const all = Object.entries({ account, type, name, service });
  return Object.fromEntries(all.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

function labelsIn(pattern: string): readonly string[] {
  const template = parseTemplate(pattern);
  if ("unknown" in template) return [];
  return template.segments.flatMap((segment) => (segment.kind === "label" ? [segment.label] : []));
}

function noLabel(label: string, known: ReadonlySet<string>): string {
  const others = [...known].sort().join(", ");
  return `never matches: no source of identities gives the label ${label}; ${others === "" ? "none gives labels" : `they give ${others}`}`;
}

/** Whether everything that `part` matches is matched by `earlier`, as far as that can be told. */
function covered(part: Part, earlier: Part): boolean {
  if (earlier.isShared !== part.isShared) return false;
  if (earlier.isForUsers && !part.isForUsers && mayBeAnonymous(part.match)) return false;
  const [inner, outer] = [part.match, earlier.match];
  const isSameField = (["account", "type", "name", "service"] as const).every((field) =>
    covers(outer[field], inner[field], outer, inner),
  );
  if (!isSameField || !containsAddress(outer.ip, inner.ip)) return false;
  return Object.entries(outer.labels ?? {}).every(([label, pattern]) => {
    const other = inner.labels?.[label];
    return other !== undefined && covers(pattern, other, outer, inner);
  });
}

function mayBeAnonymous({ account }: RuleMatch): boolean {
  const pattern = account === undefined ? undefined : readPattern(account);
  return pattern === undefined || !isFixed(pattern) || matcherOf(pattern)("");
}

function covers(outer: string | undefined, inner: string | undefined, of: RuleMatch, within: RuleMatch): boolean {
  if (outer === undefined) return true;
  const pattern = readPattern(outer);
  if (pattern === undefined) return false;
  if (inner === undefined) return isUniversal(pattern, false);
  // A group of an expression is that of its own entry.
  const isOfEntry = pattern.segments.some(({ kind }) => kind === "capture");
  if (outer === inner) return !isOfEntry || JSON.stringify(of) === JSON.stringify(within);
  const other = readPattern(inner);
  if (!isFixed(pattern) || other === undefined) return false;
  if (isFixed(other)) {
    const literal = literalOf(other);
    if (literal !== undefined) return matcherOf(pattern)(literal);
    if (isUniversal(pattern, !matcherOf(other)(""))) return true;
  }
  return !pattern.regex && isPrefixOf(bodyOf(pattern), other);
}

function readPattern(source: string): Template | undefined {
  const template = parseTemplate(source);
  return "unknown" in template ? undefined : template;
}

function isFixed({ segments }: Template): boolean {
  return segments.every(({ kind }) => kind === "text");
}

function bodyOf({ segments }: Template): string {
  return segments.map(({ source }) => source).join("");
}

/** Whether it matches every text, or with `isNeverEmpty` every text that isn't empty. */
function isUniversal(pattern: Template, isNeverEmpty: boolean): boolean {
  if (!pattern.regex || !isFixed(pattern)) return false;
  const body = bodyOf(pattern);
  return /^\^?\.\*\$?$/.test(body) || (isNeverEmpty && /^(?:\^?\.\+\$?|\^?\.|\.\$)$/.test(body));
}

/** The one text that a glob matches. */
function literalOf(pattern: Template): string | undefined {
  const body = bodyOf(pattern);
  return pattern.regex || /[*?[\]\\]/.test(body) ? undefined : body;
}

function matcherOf(pattern: Template): (text: string) => boolean {
  const body = bodyOf(pattern);
  if (!pattern.regex) return compileGlob(body) ?? (() => false);
  const compiled = RE2JS.compile(body);
  return (text) => compiled.test(text);
}

/** Whether `outer` is a literal and a star, such as `team/*`, and `other` is a glob of a text that begins with it and goes on without a slash. */
function isPrefixOf(outer: string, other: Template): boolean {
  const [, prefix] = /^([^*?[\]\\]*)\*$/.exec(outer) ?? [];
  const [first, ...others] = other.segments;
  if (prefix === undefined || other.regex) return false;
  if (first?.kind !== "text") return false;
  // What is inserted could hold a slash.
  if (others.length > 0 || !first.source.startsWith(prefix)) return false;
  // A class could match a slash.
  return !/[/[\\]/.test(first.source.slice(prefix.length));
}

function containsAddress(outer: string | undefined, inner: string | undefined): boolean {
  if (outer === undefined) return true;
  if (inner === undefined) return false;
  const [, bits] = inner.split("/");
  const [address = "", outerBits] = outer.split("/");
  if (outer === inner) return true;
  // An address is the narrowest network, and a network is in another one that is wider and has its first address.
  const width = (text: string | undefined): number => (text === undefined ? Number.POSITIVE_INFINITY : Number(text));
  const isSameFamily = address.includes(":") === inner.includes(":");
  return isSameFamily && width(outerBits) <= width(bits) && createNetworks([outer])(inner.split("/")[0]);
}
