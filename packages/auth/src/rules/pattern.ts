import { LRUCache } from "lru-cache";
import { RE2JS } from "re2js";
import type { Labels } from "../identities/contract.js";
import { compileGlob, type Matcher } from "./glob.js";
import { parseTemplate, quoteMeta, type Field, type Segment, type Template } from "./template.js";

/** What a pattern can insert from the request that it is held against. */
export interface PatternContext {
  readonly fields: Readonly<Record<Field, string>>;
  readonly labels: Labels;
  readonly insertsPatterns: boolean;
  /** What a group of the same entry's regular expression caught; undefined where there is none. */
  capture(field: Field, group: number): string | undefined;
}

/** A pattern ready to be held against texts. */
export interface Pattern {
  readonly template: Template;
  /** Throws {@link RuleLimitError}. */
  matches(text: string, context: PatternContext): boolean;
  /** The groups that a regular expression without placeholders catches in `text`. */
  groups(text: string): readonly string[] | undefined;
}

/** Compiled matchers of what patterns become with the values of requests. */
export type MatcherCache = LRUCache<string, Matcher>;

/** A question that would cost too much: its answer must be no. */
export class RuleLimitError extends Error {
  override readonly name = "RuleLimitError";
}

/** How many combinations of label values one pattern is tried with. */
const MAX_COMBINATIONS = 256;

/** The longest pattern, in UTF-16 units, once values are inserted. */
const MAX_LENGTH = 8192;

/** A regular expression that nothing matches stands in for what the request doesn't have. */
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
  if (!regex) return compileGlob(body) ?? "malformed pattern: a bracket or a backslash has no end";
  const compiled = compileRegex(body);
  // Unanchored, and in time linear in the text (RE2): what a request sends can't stall the process.
  return typeof compiled === "string" ? compiled : (text) => compiled.test(text);
}

function asWritten(value: string | undefined, { insertsPatterns }: PatternContext): string | undefined {
  return value === undefined || insertsPatterns ? value : quoteMeta(value);
}

/** What `segment` becomes; undefined where the request has nothing for it. */
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
    // A value that makes the pattern malformed matches nothing, as in docker_auth.
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

/** The pattern that `source` spells, or why it is none. */
export function compilePattern(source: string, cache: MatcherCache): Pattern | string {
  const template = parseTemplate(source);
  if ("unknown" in template)
    return `unknown placeholder ${template.unknown}; known are \${account}, \${type}, \${name}, \${service}, \${<field>:<group>} and \${labels:<name>}`;
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
  // A group that took no part is empty, as in Go.
  return Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? "");
}
