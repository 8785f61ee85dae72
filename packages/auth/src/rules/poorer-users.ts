import { placeBelow } from "./compile-rules.js";
import type { Rules, RuleSubject } from "./rules.js";
import { parseEntry } from "./entries.js";

/** A user who may do less than an anonymous client. */
export interface PoorerUser {
  /** The index of the entry that grants the action without a login. */
  readonly entry: number;
  readonly account: string;
  readonly type: string;
  readonly name: string;
  readonly action: string;
}

/** How many accounts, and how many names, are tried. */
const MOST_SAMPLES = 64;

/** An account that rules are unlikely to name. */
const SOMEBODY = "somebody";

/** Names that are tried in addition to those in the rules. */
const USUAL_NAMES = ["app", "library/app", "public/app", "public/team/app"];

const ACTIONS = ["pull", "push", "delete"];

/** A string that the glob `pattern` is likely to match; undefined for a regular expression or one with placeholders. */
function sampleOf(pattern: string): string | undefined {
  if (pattern.includes("${") || (pattern.length > 2 && pattern.startsWith("/") && pattern.endsWith("/")))
    return undefined;
  return pattern.replace(/\*+|\?/g, "x").replace(/\[([^\]^])[^\]]*\]/g, "$1");
}

function samples(patterns: readonly (string | undefined)[], usual: readonly string[]): string[] {
  const spelled = patterns.flatMap((pattern) => (pattern === undefined ? [] : [sampleOf(pattern) ?? ""]));
  const found = spelled.filter((sample) => sample !== "");
  return [...new Set([...usual, ...found])].slice(0, MOST_SAMPLES);
}

/**
 * Finds users who may do less than an anonymous client, at most one for each entry, by trying out accounts and names from the
 * rules and some common ones. Every result is real, but finding none doesn't prove that there is none. `list` is what `rules`
 * was compiled from.
 */
export function findPoorerUsers(list: readonly unknown[], rules: Rules): readonly PoorerUser[] {
  if (!rules.admitsAnonymous) return [];
  const entries = list.map((entry, index) => parseEntry(entry, placeBelow("access"), index));
  const accounts = samples(
    entries.map((entry) => ("match" in entry ? entry.match.account : entry.name)),
    [SOMEBODY],
  ).filter((account) => account !== "anonymous");
  const names = samples(
    entries.map((entry) => ("match" in entry ? entry.match.name : entry.repository)),
    USUAL_NAMES,
  );
  const resources = [
    ...names.map((name) => ({ type: "repository", name, actions: ACTIONS })),
    { type: "registry", name: "catalog", actions: ["*"] },
  ];
  const found = new Map<number, PoorerUser>();
  for (const resource of resources) {
    const open = rules.decide(subjectOf(""), resource);
    if (open.entry === undefined || open.actions.length === 0 || found.has(open.entry)) continue;
    for (const account of accounts) {
      const own = rules.granted(subjectOf(account), resource);
      const action = open.actions.find((each) => !own.includes(each));
      if (action === undefined) continue;
      found.set(open.entry, { entry: open.entry, account, type: resource.type, name: resource.name, action });
      break;
    }
  }
  return [...found.values()];
}

function subjectOf(account: string): RuleSubject {
  return { account, labels: new Map(), ip: undefined, service: "" };
}
