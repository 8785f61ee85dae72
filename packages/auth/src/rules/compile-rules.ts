import { AuthError } from "../errors.js";
import { ANONYMOUS } from "../identities/identity.js";
import { compileCondition, type Condition } from "./condition.js";
import type { RuleDecision, RuleEntry, RulePlace, RuleResource, Rules, RuleSubject, SimpleEntry } from "./rules.js";
import { parseEntry } from "./entries.js";
import { createMatcherCache, RuleLimitError, type MatcherCache } from "./pattern.js";

/** A compiled condition with its actions; an entry in the simple form compiles to several. */
interface Rule {
  /** The entry's index in the list. */
  readonly entry: number;
  readonly applies: Condition["matches"];
  readonly anonymous: Condition["anonymous"];
  /** Whether the entry says explicitly that it is for clients that didn't log in. */
  readonly namesAnonymous: boolean;
  /** Whether the entry has the simple form, in which every user may also do what `anonymous` may. */
  readonly simple: boolean;
  readonly readsAddress: boolean;
  readonly actions: readonly string[];
}

const NOTHING: RuleDecision = { actions: [], entry: undefined };

const ANONYMOUS_NAME = "anonymous";

/** `access[3].match.name`. */
export function placeBelow(root: string): RulePlace {
  return (steps) =>
    steps.reduce<string>((path, step) => path + (typeof step === "number" ? `[${step}]` : `.${step}`), root);
}

/** In the simple form every name except `anonymous` means users; {@link decideForUser} adds what that one grants. */
function whoMatches(condition: Condition, anonymous: boolean): Condition["matches"] {
  return (subject, resource) => (subject.account === "") === anonymous && condition.matches(subject, resource);
}

function compileSimple(entry: SimpleEntry, index: number, cache: MatcherCache, place: RulePlace): readonly Rule[] {
  const anonymous = entry.name === ANONYMOUS_NAME;
  const account = anonymous ? {} : { account: entry.name };
  const part = (match: object, steps: string, actions: readonly string[]): Rule => {
    // A refused pattern is reported under the key that it was written in.
    const written: RulePlace = (path) => place([index, path.at(-1) === "account" ? "name" : steps]);
    const condition = compileCondition({ ...account, ...match }, cache, written, []);
    return {
      entry: index,
      applies: whoMatches(condition, anonymous),
      anonymous: anonymous ? "sometimes" : "never",
      namesAnonymous: anonymous,
      simple: true,
      readsAddress: false,
      actions,
    };
  };
  const name = entry.repository === undefined ? {} : { name: entry.repository };
  const all = entry.action.includes("*") ? ["*"] : entry.action;
  const repositories = part({ type: "repository", ...name }, "repository", all);
  if (entry.type === "repository") return [repositories];
  // Listing the catalog is reading: `pull` grants it, by the one action that clients ask for (wire contract §4.1).
  const reads = all.includes("*") || all.includes("pull");
  return [
    repositories,
    part({ type: "registry", name: "catalog" }, "type", reads ? ["*"] : []),
    // What concerns all repositories at once is for those who may do everything to each of them.
    part({ type: "registry", name: "maintenance" }, "type", all.includes("*") ? ["*"] : []),
  ];
}

function compileEntry(entry: RuleEntry, index: number, cache: MatcherCache, place: RulePlace): readonly Rule[] {
  if (!("match" in entry)) return compileSimple(entry, index, cache, place);
  const condition = compileCondition(entry.match, cache, place, [index, "match"]);
  return [
    {
      entry: index,
      applies: (...question) => condition.matches(...question),
      anonymous: condition.anonymous,
      readsAddress: entry.match.ip !== undefined,
      namesAnonymous: entry.match.account === "",
      simple: false,
      actions: entry.actions,
    },
  ];
}

/** As in docker_auth: a single `*` grants everything that is requested; otherwise what both lists contain, `*` included. */
function intersection(wanted: readonly string[], listed: readonly string[]): readonly string[] {
  const all = listed.length === 1 && listed[0] === "*";
  return [...new Set(all ? wanted : wanted.filter((action) => listed.includes(action)))].sort();
}

/**
 * docker_auth admits anonymous clients only if its list of users has the empty name. Here an entry that grants something must
 * name them: a rule without an account, or with `*`, doesn't open anything to the world by itself.
 */
function admitsAnonymous(rules: readonly Rule[]): boolean {
  if (!rules.some(({ namesAnonymous, actions }) => namesAnonymous && actions.length > 0)) return false;
  // Anonymous clients never get past a rule that always applies to them.
  const last = rules.findIndex(({ anonymous }) => anonymous === "always");
  const reachable = last < 0 ? rules : rules.slice(0, last + 1);
  return reachable.some(({ anonymous, actions }) => anonymous !== "never" && actions.length > 0);
}

/** The entries that apply to anonymous clients only because another entry names them. */
function openedBy(rules: readonly Rule[]): readonly number[] {
  const found = rules.filter(
    ({ anonymous, namesAnonymous, actions }) => anonymous !== "never" && !namesAnonymous && actions.length > 0,
  );
  return found.map(({ entry }) => entry);
}

/** A decision, with the rule that made it. */
interface Verdict extends RuleDecision {
  readonly rule: Rule | undefined;
}

function decide(rules: readonly Rule[], subject: RuleSubject, resource: RuleResource): Verdict {
  for (const rule of rules) {
    const { entry, applies, actions } = rule;
    try {
      if (applies(subject, resource)) return { actions: intersection(resource.actions, actions), entry, rule };
    } catch (error) {
      // The rule may have been meant to deny: continuing with the next one could grant what it takes away.
      if (error instanceof RuleLimitError) return { actions: [], entry, rule };
      throw error;
    }
  }
  return { ...NOTHING, rule: undefined };
}

/** Whether it is a rule for `anonymous` in the simple form, which is for everyone. */
function isShared({ simple, namesAnonymous }: Rule): boolean {
  return simple && namesAnonymous;
}

/**
 * The decision for a user, including what the simple form grants to `anonymous` at the same address: logging in takes nothing
 * away. If an entry in docker_auth's form matches before that one, its decision is final.
 */
function decideForUser(rules: readonly Rule[], subject: RuleSubject, resource: RuleResource): RuleDecision {
  const { actions, entry, rule } = decide(rules, subject, resource);
  if (resource.actions.every((action) => actions.includes(action)) || !rules.some(isShared)) return { actions, entry };
  const { rule: open, actions: shared } = decide(rules, { ...subject, ...ANONYMOUS }, resource);
  const isFinal = open === undefined || !isShared(open) || (rule?.simple === false && rule.entry < open.entry);
  if (isFinal) return { actions, entry };
  return {
    actions: [...new Set([...actions, ...shared])].sort(),
    entry: actions.length > 0 ? entry : open.entry,
    ...(rule === undefined ? { isForEveryone: true } : {}),
  };
}

/** Options of {@link compileRules}. */
export interface RuleOptions {
  /**
   * Entries apply to anonymous clients by what they match, as in docker_auth once its users have one without a name. Otherwise an
   * entry of the list must name those clients before any applies to them.
   */
  readonly anonymous?: boolean | undefined;
}

/**
 * Compiles a list of rules, in docker_auth's grammar or the simple form: the first entry that matches decides, and what no
 * entry matches is denied. `entries` is as written in the configuration; `place` formats the position of a key for messages.
 * Throws AuthError INVALID_OPTIONS for an entry that can't be understood.
 */
export function compileRules(
  entries: unknown,
  place: RulePlace = placeBelow("access"),
  options: RuleOptions = {},
): Rules {
  if (!Array.isArray(entries))
    throw new AuthError({ code: "INVALID_OPTIONS", path: place([]), reason: "must be a list of rules" });
  const cache = createMatcherCache();
  const rules = entries.flatMap((entry: unknown, index) =>
    compileEntry(parseEntry(entry, place, index), index, cache, place),
  );
  const anonymous = options.anonymous === true || admitsAnonymous(rules);
  const answer = (subject: RuleSubject, resource: RuleResource): RuleDecision => {
    if (anonymous && subject.account !== "") return decideForUser(rules, subject, resource);
    if (subject.account === "" && !anonymous) return NOTHING;
    const { actions, entry } = decide(rules, subject, resource);
    return { actions, entry };
  };
  return {
    decide: answer,
    granted: (subject, resource) => answer(subject, resource).actions,
    admitsAnonymous: anonymous,
    readsAddress: rules.some((rule) => rule.readsAddress),
    opened: anonymous ? openedBy(rules) : [],
  };
}
