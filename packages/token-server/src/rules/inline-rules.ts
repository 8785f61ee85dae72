import type { Rules } from "@longshore/auth";
import type { RuleSource } from "../contract.js";

/** A list of rules as a source of decisions; `rules` are those in force now. */
export function listedRules(name: string, rules: () => Rules): RuleSource {
  return {
    name,
    decide(subject, resource) {
      const decision = rules().decide(subject, resource);
      return decision.entry === undefined ? undefined : decision;
    },
    close: () => Promise.resolve(),
  };
}
