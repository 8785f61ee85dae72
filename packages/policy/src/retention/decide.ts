import { selectsRepository, selectsTag, type RepositorySelection, type TagSelection } from "../patterns.js";
import { createClosure, type Closure } from "./closure.js";
import type { ManifestFact, RepositoryFacts, TagFact } from "./facts.js";
import { subjectOfTag } from "./referrer-tag.js";
import { sortByVersion } from "./version-order.js";

/** A rule of `policy.retention.rules`. */
interface RetentionRule extends TagSelection {
  readonly name: string;
  readonly always: boolean;
  readonly newest?: number | undefined;
  readonly order: "pushed" | "version";
  /** ms */
  readonly youngerthan?: number | undefined;
  /** ms */
  readonly pulledwithin?: number | undefined;
}

/** A rule of `policy.retention.untagged`. */
export interface UntaggedRule extends RepositorySelection {
  readonly name: string;
  /** ms */
  readonly age: number;
}

/** What becomes of something, and why. */
interface Fate {
  readonly digest: string;
  readonly kept: boolean;
  /** The rule that decides; undefined if none of the configuration's does. */
  readonly rule: string | undefined;
  /** For people: `it is among the newest 10`. */
  readonly reason: string;
}

export interface TagFate extends Fate {
  readonly tag: string;
}

/** What becomes of a repository's content, in the order of its facts. */
export interface RetentionDecision {
  readonly tags: readonly TagFate[];
  /** Once the tags that aren't kept are gone. */
  readonly manifests: readonly Fate[];
}

/** What decides besides the facts. */
export interface RetentionContext {
  readonly rules: readonly RetentionRule[];
  readonly untagged: readonly UntaggedRule[];
  /** How long untagged manifests are kept that no rule is for (ms); undefined: forever. */
  readonly untaggedAge?: number | undefined;
  /** ms since 1970. */
  readonly now: number;
  /** The rule that makes a tag immutable, by its name; undefined if none does. */
  readonly immutable: (tag: string) => string | undefined;
}

type Verdict = Omit<Fate, "digest">;

/**
 * Decides what is kept of a repository. A tag goes if there are rules for it and none of them keeps it. Nothing goes that a kept tag
 * needs: children of its index, and what refers to any of these, such as signatures. Tags by which referrers are found go when
 * their subject itself goes, never before.
 */
export function decideRetention(facts: RepositoryFacts, context: RetentionContext): RetentionDecision {
  const { now, immutable } = context;
  const own = context.rules.filter((rule) => selectsRepository(rule, facts.name));
  const keeps = own.map((rule) => keeperOf(rule, facts, now));
  const here = new Set(facts.manifests.map(({ digest }) => digest));
  const verdicts = new Map<string, Verdict>();
  const pending: TagFact[] = [];
  const referring: Referring[] = [];
  for (const each of facts.tags) {
    const subject = subjectOfTag(each.tag);
    const decided = byItself(each, subject, here, immutable) ?? (subject ? undefined : byRules(each, own, keeps));
    if (decided !== undefined) verdicts.set(each.tag, decided);
    else if (subject === undefined) pending.push(each);
    else referring.push({ ...each, subject });
  }
  const closure = createClosure(facts.manifests, referrersByTag(facts.tags));
  keepListed(pending, closure, facts, verdicts);
  for (const { tag } of pending) {
    if (!verdicts.has(tag)) verdicts.set(tag, goes(own.find((rule) => selectsTag(rule, tag))?.name));
  }
  const roots = facts.tags.filter(({ tag }) => verdicts.get(tag)?.kept === true).map(({ digest }) => digest);
  const manifests = fatesOfManifests(facts, closure, roots, context);
  const fates = new Map(manifests.map((fate) => [fate.digest, fate]));
  for (const { tag, subject } of referring) verdicts.set(tag, withSubject(subject, fates.get(subject)));
  return {
    tags: facts.tags.map(({ tag, digest }) => ({ tag, digest, ...(verdicts.get(tag) ?? NOT_CONCERNED) })),
    manifests,
  };
}

type Referring = TagFact & { readonly subject: string };

const kept = (rule: string | undefined, reason: string): Verdict => ({ kept: true, rule, reason });
const goes = (rule: string | undefined): Verdict => ({ kept: false, rule, reason: "no rule keeps it" });
const NOT_CONCERNED = kept(undefined, "no rule is for it");

/** Why the rule keeps a tag that it is for; undefined if it doesn't. */
type Keeper = (tag: TagFact) => string | undefined;

function keeperOf(rule: RetentionRule, { tags, pullsSince }: RepositoryFacts, now: number): Keeper {
  const { always, newest = 0, order, youngerthan = 0, pulledwithin } = rule;
  const selected = tags.filter(({ tag }) => subjectOfTag(tag) === undefined && selectsTag(rule, tag));
  const first = new Set(newest === 0 ? [] : inOrder(selected, order).slice(-newest));
  return (each) => {
    const { pushed, pulled } = each;
    if (always) return "it is always kept";
    if (first.has(each)) return `it is among the newest ${newest}`;
    if (now - pushed < youngerthan) return "it is young";
    if (pulledwithin === undefined) return undefined;
    // What was pulled before anyone noted pulls isn't known.
    if (pullsSince === undefined || now - pullsSince < pulledwithin) return "it isn't known yet when it was pulled";
    return now - Math.max(pulled ?? 0, pushed) < pulledwithin ? "it was pulled lately" : undefined;
  };
}

/** Oldest first; as versions if pushed at the same time, so that every run decides alike. */
function inOrder(tags: readonly TagFact[], order: RetentionRule["order"]): readonly TagFact[] {
  return sortByVersion(
    tags,
    ({ tag }) => tag,
    order === "version" ? undefined : (one, other) => one.pushed - other.pushed,
  );
}

/** Undefined if there are rules for the tag, and none keeps it. */
function byRules(each: TagFact, rules: readonly RetentionRule[], keeps: readonly Keeper[]): Verdict | undefined {
  let isConcerned = false;
  for (const [index, rule] of rules.entries()) {
    if (!selectsTag(rule, each.tag)) continue;
    isConcerned = true;
    const reason = keeps[index]?.(each);
    if (reason !== undefined) return kept(rule.name, reason);
  }
  return isConcerned ? undefined : NOT_CONCERNED;
}

/** What needs no rule to be kept. */
function byItself(
  { tag }: TagFact,
  subject: string | undefined,
  here: ReadonlySet<string>,
  immutable: RetentionContext["immutable"],
): Verdict | undefined {
  const keeper = immutable(tag);
  if (keeper !== undefined) return kept(keeper, "it is immutable");
  // Signatures may be kept apart from what they sign.
  if (subject !== undefined && !here.has(subject))
    return kept(undefined, `${subject}, to which it belongs, isn't here`);
  return undefined;
}

/** What refers to a manifest by its tag, by subject. */
function referrersByTag(tags: readonly TagFact[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { tag, digest } of tags) {
    const subject = subjectOfTag(tag);
    if (subject === undefined) continue;
    const list = found.get(subject);
    if (list === undefined) found.set(subject, [digest]);
    else list.push(digest);
  }
  return found;
}

/** Keeps pending tags whose manifest is listed by an index that is kept. */
function keepListed(
  pending: readonly TagFact[],
  closure: (roots: Iterable<string>) => Closure,
  { tags }: RepositoryFacts,
  verdicts: Map<string, Verdict>,
): void {
  // The manifests of these tags are needed already, so that nothing more becomes needed by keeping them.
  const { listedBy } = closure(tags.filter(({ tag }) => verdicts.get(tag)?.kept === true).map(({ digest }) => digest));
  for (const { tag, digest } of pending) {
    const index = listedBy.get(digest);
    if (index !== undefined) verdicts.set(tag, kept(undefined, `the index ${index}, which is kept, lists it`));
  }
}

function withSubject(subject: string, fate: Fate | undefined): Verdict {
  if (fate?.kept !== false) return kept(undefined, `it belongs to ${subject}`);
  return { kept: false, rule: fate.rule, reason: `it goes with ${subject}` };
}

function fatesOfManifests(
  facts: RepositoryFacts,
  closure: (roots: Iterable<string>) => Closure,
  roots: readonly string[],
  { untagged, untaggedAge, now }: RetentionContext,
): readonly Fate[] {
  const tagged = closure(roots).needed;
  const rule = untaggedRule(untagged, facts.name);
  const age = rule?.age ?? untaggedAge;
  const isYoung = ({ pushed }: ManifestFact): boolean => age === undefined || now - pushed < age;
  const young = closure(facts.manifests.filter(isYoung).map(({ digest }) => digest)).needed;
  return facts.manifests.map(({ digest }) => {
    if (tagged.has(digest)) return { digest, ...kept(undefined, "a tag needs it") };
    if (age === undefined) return { digest, ...kept(undefined, "no rule is for untagged manifests here") };
    if (young.has(digest)) return { digest, ...kept(rule?.name, "it, or what needs it, is young") };
    return { digest, kept: false, rule: rule?.name, reason: "it is untagged and old enough" };
  });
}

/** The rule for untagged manifests of `repository`; undefined if none is for it. */
export function untaggedRule(rules: readonly UntaggedRule[], repository: string): UntaggedRule | undefined {
  return rules.find((each) => selectsRepository(each, repository));
}
