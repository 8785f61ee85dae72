import type { RuleResource, RuleSubject } from "../../src/rules/contract.js";

/** Somebody from nowhere, but for what `from` says. */
export function subject(
  from: Partial<Omit<RuleSubject, "labels">> & { labels?: Record<string, string[]> },
): RuleSubject {
  const { labels = {}, ...rest } = from;
  return { account: "somebody", ip: undefined, service: "", ...rest, labels: new Map(Object.entries(labels)) };
}

/** `repository:name:action,…`. */
export function repository(name: string, ...actions: string[]): RuleResource {
  return { type: "repository", name, actions };
}
