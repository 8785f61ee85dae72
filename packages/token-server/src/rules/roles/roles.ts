import { compileRules, type MatchEntry } from "@longshore/auth";
import type { RuleSource } from "../../contract.js";

/** What each role may do in its repositories. */
export const ROLES = {
  reader: ["pull"],
  writer: ["pull", "push"],
  maintainer: ["pull", "push", "delete"],
  admin: ["*"],
} as const;

/** A role for some people in some repositories; an empty list of repositories is all of them. */
export interface RoleGrant {
  readonly role: keyof typeof ROLES;
  readonly repositories: readonly string[];
  readonly accounts: readonly string[];
  readonly groups: readonly string[];
  readonly anonymous: boolean;
}

/** Roles as a source of decisions: the union of all grants that apply. Throws AuthError INVALID_OPTIONS for a bad pattern. */
export function compileRoles(options: {
  readonly grouplabel: string;
  readonly grants: readonly RoleGrant[];
}): RuleSource {
  const grants = options.grants.map((grant, index) => {
    const [named, forEveryone] = entriesOf(grant, options.grouplabel);
    // One list for each: what a grant gives to anonymous clients is no other grant's concern.
    const rules = compileRules([...named, ...forEveryone], () => `tokenserver.roles.grants[${index}]`);
    return { rules, named: named.length };
  });
  return {
    name: "roles",
    decide(subject, resource) {
      const decisions = grants.map(({ rules, named }) => {
        const decision = rules.decide(subject, resource);
        return { ...decision, isForEveryone: decision.entry !== undefined && decision.entry >= named };
      });
      const matching = decisions.filter(({ entry }) => entry !== undefined);
      if (matching.length === 0) return undefined;
      const actions = [...new Set(matching.flatMap((decision) => decision.actions))].sort();
      // The grant that gives the most is the one to name.
      const most = matching.reduce((best, each) => (each.actions.length > best.actions.length ? each : best));
      const isForEveryone = matching.every((decision) => decision.isForEveryone);
      return { actions, entry: decisions.indexOf(most), ...(isForEveryone ? { isForEveryone } : {}) };
    },
    close: () => Promise.resolve(),
  };
}

/** The entries for those whom a grant names, and those for everyone. */
function entriesOf(
  { role, repositories, accounts, groups, anonymous }: RoleGrant,
  label: string,
): readonly [named: readonly MatchEntry[], forEveryone: readonly MatchEntry[]] {
  const people = [
    ...accounts.map((account) => ({ account })),
    ...groups.map((group) => ({ labels: { [label]: group } })),
  ];
  const names = repositories.length === 0 ? [{}] : repositories.map((name) => ({ name }));
  const places = names.map((name) => ({ type: "repository", ...name }));
  const isForAll = role === "admin" && repositories.length === 0;
  const registry = isForAll ? ["catalog", "maintenance"].map((name) => ({ type: "registry", name })) : [];
  const actions = [...ROLES[role]];
  const entriesFor = (who: readonly MatchEntry["match"][]): readonly MatchEntry[] =>
    who.flatMap((each) => [...places, ...registry].map((where) => ({ match: { ...each, ...where }, actions })));
  return [entriesFor(people), entriesFor(anonymous ? [{ account: "" }, {}] : [])];
}
