import { createNetworks, isNetwork, type Networks } from "@longshore/base/network";
import type { RuleMatch, RulePlace, RuleResource, RuleSubject } from "./rules.js";
import { refuse } from "./entries.js";
import { compilePattern, type MatcherCache, type Pattern, type PatternContext } from "./pattern.js";
import { FIELDS, type Field } from "./template.js";

/** A compiled `match`. */
export interface Condition {
  /** Throws RuleLimitError. */
  matches(subject: RuleSubject, resource: RuleResource): boolean;
  /** Whether it can match clients that didn't log in, and whether it matches them whatever they ask for. */
  readonly anonymous: "never" | "sometimes" | "always";
}

type Patterns = Readonly<Partial<Record<Field, Pattern>>>;

function compileAt(
  source: string,
  cache: MatcherCache,
  place: RulePlace,
  steps: readonly (string | number)[],
): Pattern {
  const pattern = compilePattern(source, cache);
  return typeof pattern === "string" ? refuse(place, steps, pattern) : pattern;
}

function contextOf(patterns: Patterns, subject: RuleSubject, resource: RuleResource): PatternContext {
  const fields = {
    account: subject.account,
    type: resource.type,
    name: resource.name,
    service: subject.service,
  };
  return {
    fields,
    labels: subject.labels,
    insertsPatterns: subject.labelSyntax === "pattern",
    capture: (field, group) => (group < 1 ? undefined : patterns[field]?.groups(fields[field])?.[group]),
  };
}

/** Whether the empty account can match, as far as that is known without a request. */
function anonymousOf({ account }: Patterns, others: number): Condition["anonymous"] {
  if (account !== undefined) {
    // What it inserts depends on the request.
    if (account.template.segments.some(({ kind }) => kind !== "text")) return "sometimes";
    const nothing = { fields: { account: "", type: "", name: "", service: "" }, labels: new Map<string, string[]>() };
    if (!account.matches("", { ...nothing, insertsPatterns: false, capture: () => undefined })) return "never";
  }
  return others === 0 ? "always" : "sometimes";
}

function compileAddress(ip: string, place: RulePlace, steps: readonly (string | number)[]): Networks {
  if (isNetwork(ip)) return createNetworks([ip]);
  return refuse(place, [...steps, "ip"], "must be an IP address or a CIDR block such as 10.0.0.0/8");
}

/** Compiles the `match` at `steps` in the list. Throws AuthError INVALID_OPTIONS. */
export function compileCondition(
  match: RuleMatch,
  cache: MatcherCache,
  place: RulePlace,
  steps: readonly (string | number)[],
): Condition {
  const patterns: Partial<Record<Field, Pattern>> = {};
  for (const field of FIELDS) {
    const source = match[field];
    if (source !== undefined) patterns[field] = compileAt(source, cache, place, [...steps, field]);
  }
  const labels = Object.entries(match.labels ?? {}).map(
    ([label, source]) => [label, compileAt(source, cache, place, [...steps, "labels", label])] as const,
  );
  const address = match.ip === undefined ? undefined : compileAddress(match.ip, place, steps);
  const others = Object.keys(patterns).filter((field) => field !== "account").length + (address === undefined ? 0 : 1);
  return {
    // Who doesn't log in has labels only if the configuration gives them some: then it may as well say who is meant.
    anonymous: labels.length > 0 && match.account !== "" ? "never" : anonymousOf(patterns, others + labels.length),
    matches(subject, resource) {
      if (address !== undefined && !address(subject.ip)) return false;
      const context = contextOf(patterns, subject, resource);
      for (const field of FIELDS) if (patterns[field]?.matches(context.fields[field], context) === false) return false;
      return labels.every(([label, pattern]) =>
        (subject.labels.get(label) ?? []).some((value) => pattern.matches(value, context)),
      );
    },
  };
}
