import type { RuleResource, RuleSubject } from "../../src/rules/rules.js";

/** A subject without any properties except those in `from`. */
export function subject(
  from: Partial<Omit<RuleSubject, "labels">> & { labels?: Record<string, string[]> },
): RuleSubject {
  const { labels = {}, ...rest } = from;
  return { account: "somebody", ip: undefined, service: "", ...rest, labels: new Map(Object.entries(labels)) };
}

/** Formats as `repository:name:action,…`. */
export function repository(name: string, ...actions: string[]): RuleResource {
  return { type: "repository", name, actions };
}
