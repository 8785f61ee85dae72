import type { RuleDecision, RuleResource, RuleSubject } from "@longshore/auth";
import type { RuleSource } from "../contract.js";

/** What one list of rules said. */
export interface RuleAnswer {
  readonly name: string;
  /** Undefined if no entry matched. */
  readonly entry: number | undefined;
  readonly actions: readonly string[];
}

/** What the rules say of a resource, and which of them said so. */
export interface Verdict {
  /** Of the wanted actions, those that are granted; sorted. */
  readonly actions: readonly string[];
  /** `access[3]`; undefined if no rule matched. */
  readonly rule: string | undefined;
  /** Those that were asked, in their order. */
  readonly answers: readonly RuleAnswer[];
}

/**
 * Asks `sources` in their order; the first whose entry matches decides. What a list grants to everyone, logged in or not, decides
 * nothing: the next ones may grant a user more. Throws AuthError UNAVAILABLE.
 */
export async function decide(
  sources: readonly RuleSource[],
  subject: RuleSubject,
  resource: RuleResource,
  signal: AbortSignal,
): Promise<Verdict> {
  const asking = ask(sources, subject, resource, signal);
  let step = asking.next();
  while (step.done !== true) step = asking.next(await step.value);
  return step.value;
}

/** The same without a wait; undefined if one of the sources that are asked has to look elsewhere. Throws nothing. */
export function decideAtOnce(
  sources: readonly RuleSource[],
  subject: RuleSubject,
  resource: RuleResource,
  signal: AbortSignal,
): Verdict | undefined {
  const step = ask(sources, subject, resource, signal).next();
  if (step.done === true) return step.value;
  step.value.catch(() => undefined);
  return undefined;
}

/** Yields what has to be waited for, and goes on with what came of it. */
function* ask(
  sources: readonly RuleSource[],
  subject: RuleSubject,
  resource: RuleResource,
  signal: AbortSignal,
): Generator<Promise<RuleDecision | undefined>, Verdict, RuleDecision | undefined> {
  const answers: RuleAnswer[] = [];
  let shared: { readonly actions: readonly string[]; readonly rule: string } | undefined;
  for (const source of sources) {
    const answer = source.decide(subject, resource, signal);
    const decision = answer instanceof Promise ? yield answer : answer;
    answers.push({ name: source.name, entry: decision?.entry, actions: decision?.actions ?? [] });
    if (decision === undefined) continue;
    const { actions, isForEveryone = false } = decision;
    const rule = placeOf(source, decision);
    const all = shared === undefined ? actions : [...new Set([...shared.actions, ...actions])].sort();
    const named = shared === undefined || all.length > shared.actions.length ? rule : shared.rule;
    const isEnough = resource.actions.every((action) => all.includes(action));
    if (!isForEveryone || isEnough) return { actions: all, rule: named, answers };
    shared = { actions: all, rule: named };
  }
  return { actions: shared?.actions ?? [], rule: shared?.rule, answers };
}

function placeOf({ name }: RuleSource, { entry }: RuleDecision): string {
  return entry === undefined ? name : `${name}[${entry}]`;
}
