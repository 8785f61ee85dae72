import { LRUCache } from "lru-cache";
import { RE2JS } from "re2js";
import type { Labels } from "../identities/identity.js";
import { compileGlob, type Matcher } from "./glob.js";
import { parseTemplate, quoteMeta, type Field, type Segment, type Template } from "./template.js";

/** What a pattern can insert from the request that it is matched with. */
export interface PatternContext {
  readonly fields: Readonly<Record<Field, string>>;
  readonly labels: Labels;
  readonly insertsPatterns: boolean;
  /** What a group of a regular expression in the same entry captured; undefined if there is none. */
  capture(field: Field, group: number): string | undefined;
}

/** A compiled pattern. */
export interface Pattern {
  readonly template: Template;
  /** Throws {@link RuleLimitError}. */
  matches(text: string, context: PatternContext): boolean;
  /** The groups that a regular expression without placeholders captures in `text`. */
  groups(text: string): readonly string[] | undefined;
}

/** Compiled matchers of patterns with the values of requests inserted. */
export type MatcherCache = LRUCache<string, Matcher>;

/** Evaluating the rule would cost too much; the request must be denied. */
export class RuleLimitError extends Error {
  override readonly name = "RuleLimitError";
}

/** How many combinations of label values a pattern is tried with, at most. */
const MAX_COMBINATIONS = 256;

/** The longest pattern with values inserted, in UTF-16 units. */
const MAX_LENGTH = 8192;

/** A regular expression that never matches, in place of a value that the request doesn't have. */
const NOTHING = "[^\\x00-\\x{10FFFF}]";

const NEVER: Matcher = () => false;

/** An empty cache of a bounded size. */
export function createMatcherCache(): MatcherCache {
  return new LRUCache({ max: 512 });
}

function compileRegex(body: string): RE2JS | string {
  try {
    return RE2JS.compile(body);
  } catch (error) {
    return error instanceof Error ? error.message : "malformed regular expression";
  }
}

function compileBody(body: string, regex: boolean): Matcher | string {
  if (!regex) return compileGlob(body) ?? "malformed pattern: unclosed bracket or trailing backslash";
  const compiled = compileRegex(body);
  // Unanchored, and linear in the length of the text (RE2), so that no request can stall the process.
  return typeof compiled === "string" ? compiled : (text) => compiled.test(text);
}

function asWritten(value: string | undefined, { insertsPatterns }: PatternContext): string | undefined {
  return value === undefined || insertsPatterns ? value : quoteMeta(value);
}

/** What `segment` becomes; undefined if the request has no value for it. */
function insert(segment: Segment, context: PatternContext, chosen: ReadonlyMap<string, string>): string | undefined {
  switch (segment.kind) {
    case "text":
      return segment.source;
    case "field":
      return quoteMeta(context.fields[segment.field]);
    case "capture":
      return asWritten(context.capture(segment.field, segment.group), context);
    case "label":
      return asWritten(chosen.get(segment.label), context);
  }
}

function matchOnce(
  { segments, regex }: Template,
  text: string,
  context: PatternContext,
  chosen: ReadonlyMap<string, string>,
  cache: MatcherCache,
): boolean {
  let body = "";
  for (const segment of segments) {
    const piece = insert(segment, context, chosen) ?? (regex ? NOTHING : undefined);
    if (piece === undefined) return false;
    body += piece;
  }
  if (body.length > MAX_LENGTH) throw new RuleLimitError("a rule's pattern is too long with the request's values");
  const key = `${regex ? "/" : "*"}${body}`;
  let matcher = cache.get(key);
  if (matcher === undefined) {
    const compiled = compileBody(body, regex);
    // With a value that makes the pattern malformed it matches nothing, as in docker_auth.
    matcher = typeof compiled === "string" ? NEVER : compiled;
    cache.set(key, matcher);
  }
  return matcher(text);
}

/** Every choice of one value for each of `names`. */
function* combinations(names: readonly string[], labels: Labels): Generator<ReadonlyMap<string, string>> {
  const [name, ...others] = names;
  if (name === undefined) {
    yield new Map();
    return;
  }
  for (const rest of combinations(others, labels))
    for (const value of labels.get(name) ?? []) yield new Map(rest).set(name, value);
}

function matchLabels(template: Template, text: string, context: PatternContext, cache: MatcherCache): boolean {
  if (matchOnce(template, text, context, new Map(), cache)) return true;
  const wanted = template.segments.flatMap((segment) => (segment.kind === "label" ? [segment.label] : []));
  const names = [...new Set(wanted)].filter((name) => context.labels.has(name));
  if (names.length === 0) return false;
  const count = names.reduce((product, name) => product * (context.labels.get(name)?.length ?? 0), 1);
  if (count > MAX_COMBINATIONS) throw new RuleLimitError(`a rule combines ${count} label values`);
  for (const chosen of combinations(names, context.labels))
    if (matchOnce(template, text, context, chosen, cache)) return true;
  return false;
}

/** Compiles a pattern, or returns what is wrong with it. */
export function compilePattern(source: string, cache: MatcherCache): Pattern | string {
  const template = parseTemplate(source);
  if ("unknown" in template)
    return `unknown placeholder ${template.unknown}; use \${account}, \${type}, \${name}, \${service}, \${<field>:<group>} or \${labels:<name>}`;
  const { segments, regex } = template;
  const fixed = segments.every(({ kind }) => kind === "text");
  const body = segments.map((segment) => (segment.kind === "text" ? segment.source : "x")).join("");
  const matcher = compileBody(body, regex);
  if (typeof matcher === "string") return matcher;
  const hasLabels = segments.some(({ kind }) => kind === "label");
  const match = hasLabels
    ? (text: string, context: PatternContext) => matchLabels(template, text, context, cache)
    : (text: string, context: PatternContext) => matchOnce(template, text, context, new Map(), cache);
  const groups = fixed && regex ? compileRegex(body) : undefined;
  return {
    template,
    matches: fixed ? (text) => matcher(text) : match,
    groups: (text) => (groups instanceof RE2JS ? groupsOf(groups, text) : undefined),
  };
}

function groupsOf(regex: RE2JS, text: string): readonly string[] | undefined {
  const matcher = regex.matcher(text);
  if (!matcher.find()) return undefined;
  // A group that didn't participate is empty, as in Go.
  return Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? "");
}
