import { AuthError } from "../errors.js";
import { compileCondition, type Condition } from "./condition.js";
import type { RuleDecision, RuleEntry, RulePlace, RuleResource, Rules, RuleSubject, SimpleEntry } from "./contract.js";
import { parseEntry } from "./entries.js";
import { createMatcherCache, RuleLimitError, type MatcherCache } from "./pattern.js";

/** One thing to hold against a request; an entry of the simple form is several of them. */
interface Rule {
  /** The entry's place in the list. */
  readonly entry: number;
  readonly applies: Condition["matches"];
  readonly anonymous: Condition["anonymous"];
  /** Whether the entry says in so many words that it is for those who didn't log in. */
  readonly namesAnonymous: boolean;
  readonly actions: readonly string[];
}

const NOTHING: RuleDecision = { actions: [], entry: undefined };

const ANONYMOUS_NAME = "anonymous";

/** `access[3].match.name`. */
export function placeBelow(root: string): RulePlace {
  return (steps) =>
    steps.reduce<string>((path, step) => path + (typeof step === "number" ? `[${step}]` : `.${step}`), root);
}

/** The simple form means somebody by every name but `anonymous`, and by that one nobody who logged in. */
function whoMatches(condition: Condition, anonymous: boolean): Condition["matches"] {
  return (subject, resource) => (subject.account === "") === anonymous && condition.matches(subject, resource);
}

function compileSimple(entry: SimpleEntry, index: number, cache: MatcherCache, place: RulePlace): readonly Rule[] {
  const anonymous = entry.name === ANONYMOUS_NAME;
  const account = anonymous ? {} : { account: entry.name };
  const part = (match: object, steps: string, actions: readonly string[]): Rule => {
    // A refused pattern is shown where the person wrote it.
    const written: RulePlace = (path) => place([index, path.at(-1) === "account" ? "name" : steps]);
    const condition = compileCondition({ ...account, ...match }, cache, written, []);
    return {
      entry: index,
      applies: whoMatches(condition, anonymous),
      anonymous: anonymous ? "sometimes" : "never",
      namesAnonymous: anonymous,
      actions,
    };
  };
  const name = entry.repository === undefined ? {} : { name: entry.repository };
  const all = entry.action.includes("*") ? ["*"] : entry.action;
  const repositories = part({ type: "repository", ...name }, "repository", all);
  if (entry.type === "repository") return [repositories];
  // The catalog is read: `pull` opens it, by the one action that clients ask of it (contract §4.1).
  const reads = all.includes("*") || all.includes("pull");
  return [repositories, part({ type: "registry", name: "catalog" }, "type", reads ? ["*"] : [])];
}

function compileEntry(entry: RuleEntry, index: number, cache: MatcherCache, place: RulePlace): readonly Rule[] {
  if (!("match" in entry)) return compileSimple(entry, index, cache, place);
  const condition = compileCondition(entry.match, cache, place, [index, "match"]);
  return [
    {
      entry: index,
      applies: (...question) => condition.matches(...question),
      anonymous: condition.anonymous,
      namesAnonymous: entry.match.account === "",
      actions: entry.actions,
    },
  ];
}

/** docker_auth's: one lone `*` grants all that is wanted; else what both sides name, so that a wanted `*` needs the lone one. */
function intersection(wanted: readonly string[], listed: readonly string[]): readonly string[] {
  const all = listed.length === 1 && listed[0] === "*";
  return [...new Set(all ? wanted : wanted.filter((action) => listed.includes(action)))].sort();
}

/**
 * docker_auth hears those who don't log in only where its list of users has the empty name. Here an entry with something to
 * grant must name them: a rule without an account, or with `*`, opens nothing to the world on its own.
 */
function admitsAnonymous(rules: readonly Rule[]): boolean {
  if (!rules.some(({ namesAnonymous, actions }) => namesAnonymous && actions.length > 0)) return false;
  // Nobody who didn't log in gets past a rule that is always for them.
  const last = rules.findIndex(({ anonymous }) => anonymous === "always");
  const reachable = last < 0 ? rules : rules.slice(0, last + 1);
  return reachable.some(({ anonymous, actions }) => anonymous !== "never" && actions.length > 0);
}

/** The entries that another one opens by naming those who don't log in. */
function openedBy(rules: readonly Rule[]): readonly number[] {
  const found = rules.filter(
    ({ anonymous, namesAnonymous, actions }) => anonymous !== "never" && !namesAnonymous && actions.length > 0,
  );
  return found.map(({ entry }) => entry);
}

function decide(rules: readonly Rule[], subject: RuleSubject, resource: RuleResource): RuleDecision {
  for (const { entry, applies, actions } of rules) {
    try {
      if (applies(subject, resource)) return { actions: intersection(resource.actions, actions), entry };
    } catch (error) {
      // Whether the rule was meant to deny can't be told: going on to the next could grant what it takes away.
      if (error instanceof RuleLimitError) return { actions: [], entry };
      throw error;
    }
  }
  return NOTHING;
}

/**
 * The rules of a list, in docker_auth's grammar or the simple form: the first entry that matches decides, and what no entry
 * matches is denied. `entries` is as the configuration has it; `place` spells where in it something stands. Throws AuthError
 * INVALID_OPTIONS for an entry that can't be understood.
 */
export function compileRules(entries: unknown, place: RulePlace = placeBelow("access")): Rules {
  if (!Array.isArray(entries))
    throw new AuthError({ code: "INVALID_OPTIONS", path: place([]), reason: "must be a list of rules" });
  const cache = createMatcherCache();
  const rules = entries.flatMap((entry: unknown, index) =>
    compileEntry(parseEntry(entry, place, index), index, cache, place),
  );
  const anonymous = admitsAnonymous(rules);
  const answer = (subject: RuleSubject, resource: RuleResource): RuleDecision =>
    subject.account === "" && !anonymous ? NOTHING : decide(rules, subject, resource);
  return {
    decide: answer,
    granted: (subject, resource) => answer(subject, resource).actions,
    admitsAnonymous: anonymous,
    opened: anonymous ? openedBy(rules) : [],
  };
}
