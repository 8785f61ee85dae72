/** What a quota limits. */
export const MEASURES = ["bytes", "tags", "repositories"] as const;
export type Measure = (typeof MEASURES)[number];

/** How much of each there is. */
export type Amounts = Readonly<Record<Measure, number>>;

/** A rule of `policy.quota`; a measure that is undefined isn't limited. */
export interface QuotaRule extends Partial<Readonly<Record<Measure, number | undefined>>> {
  readonly name: string;
  readonly prefix: string;
  /** Percent of a limit. */
  readonly warnat: number;
}

/** A rule with the prefix that it means for one repository. */
export interface QuotaScope {
  readonly rule: QuotaRule;
  /** Without wildcards: `users/ann`. */
  readonly prefix: string;
}

/** Whether the repository is the prefix itself, or below it. */
export function isWithin(prefix: string, repository: string): boolean {
  return repository === prefix || repository.startsWith(`${prefix}/`);
}

/** What `repository` has to fit into. Each `*` of a prefix stands for one component of the name. */
export function quotaScopes(rules: readonly QuotaRule[], repository: string): readonly QuotaScope[] {
  const components = repository.split("/");
  return rules.flatMap((rule) => {
    const pattern = rule.prefix.split("/");
    const fits = pattern.every((part, index) => {
      const component = components[index];
      return component !== undefined && (part === "*" || part === component);
    });
    return fits ? [{ rule, prefix: components.slice(0, pattern.length).join("/") }] : [];
  });
}

/** What a quota says to a change. */
export type QuotaVerdict =
  /** `near`: the measures that the change brings close to their limit. */
  | { readonly kind: "fits"; readonly near: readonly Measure[] }
  /** `measure` would be above `limit`. */
  | { readonly kind: "exceeded"; readonly measure: Measure; readonly limit: number };

/**
 * Whether a change from `before` to `after` is allowed. A change that adds nothing of a measure is, however much there is already: a limit
 * that was lowered must not stop what makes room.
 */
export function judgeQuota(rule: QuotaRule, before: Amounts, after: Amounts): QuotaVerdict {
  const added = MEASURES.filter((measure) => after[measure] > before[measure]);
  for (const measure of added) {
    const limit = rule[measure];
    if (limit !== undefined && after[measure] > limit) return { kind: "exceeded", measure, limit };
  }
  const near = added.filter((measure) => {
    const limit = rule[measure];
    return limit !== undefined && rule.warnat < 100 && after[measure] * 100 >= limit * rule.warnat;
  });
  return { kind: "fits", near };
}
