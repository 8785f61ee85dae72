import { z } from "zod";
import { AuthError } from "../errors.js";
import type { MatchEntry, RuleEntry, RulePlace, SimpleEntry } from "./rules.js";

const text = z.string("must be text; put it in quotes");

const matchEntry = z.strictObject({
  match: z.strictObject({
    account: text.optional(),
    type: text.optional(),
    name: text.optional(),
    ip: text.optional(),
    service: text.optional(),
    labels: z.record(z.string(), text).optional(),
  }),
  actions: z.array(text.regex(/^(?:\*|[a-z]+)$/, 'must be an action such as pull, push or delete, or "*" for all')),
  comment: text.optional(),
});

const simpleAction = z.enum(["pull", "push", "delete", "*"], 'must be pull, push, delete or "*"');

const simpleEntry = z.strictObject({
  name: text.min(1, "must name an account, a pattern of accounts, or anonymous"),
  type: z.enum(["registry", "repository"], "must be registry or repository"),
  repository: text.min(1, "must be a pattern of repository names").optional(),
  action: z.union([z.array(simpleAction), simpleAction.transform((action) => [action])], {
    error: 'must be a list of pull, push, delete or "*"',
  }),
  comment: text.optional(),
});

/** Throws an error that says where the entry is and what is wrong with it. */
export function refuse(place: RulePlace, steps: readonly (string | number)[], reason: string): never {
  throw new AuthError({ code: "INVALID_OPTIONS", path: place(steps), reason });
}

function refuseIssue(
  place: RulePlace,
  steps: readonly (string | number)[],
  issue: z.core.$ZodIssue | undefined,
): never {
  const path = [...steps, ...(issue?.path ?? []).map((step) => (typeof step === "number" ? step : String(step)))];
  if (issue?.code !== "unrecognized_keys") refuse(place, path, issue?.message ?? "invalid");
  const [key = ""] = issue.keys;
  // docker_auth ignores unknown keys, so that a typing error can make an entry match everyone. Here it is an error.
  const inMatch = path.at(-1) === "match";
  const known = inMatch ? "account, type, name, ip, service and labels" : "match, actions and comment";
  refuse(place, [...path, key], `unknown key; ${inMatch ? "match" : "a rule"} may have ${known}`);
}

/** Whether an entry is meant to be in docker_auth's grammar. */
function isMatchShaped(entry: object): boolean {
  return "match" in entry || "actions" in entry;
}

function parseMatchEntry(entry: object, place: RulePlace, index: number): MatchEntry {
  if (!("match" in entry)) refuse(place, [index], "has no match; write match: {} for a rule that applies to everyone");
  if (!("actions" in entry)) refuse(place, [index], "has no actions; write actions: [] for a rule that denies");
  const parsed = matchEntry.safeParse(entry);
  return parsed.success ? parsed.data : refuseIssue(place, [index], parsed.error.issues[0]);
}

function parseSimpleEntry(entry: object, place: RulePlace, index: number): SimpleEntry {
  const parsed = simpleEntry.safeParse(entry);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    if (issue?.code !== "unrecognized_keys") refuseIssue(place, [index], issue);
    const known = "name, type, repository, action and comment, or match, actions and comment";
    refuse(place, [index, issue.keys[0] ?? ""], `unknown key; a rule may have ${known}`);
  }
  const { data } = parsed;
  if (data.type === "registry" && data.repository !== undefined)
    refuse(place, [index, "repository"], "needs type: repository; type: registry means every repository");
  return data;
}

/** Parses the entry at `index` of the list. Throws AuthError INVALID_OPTIONS with its position. */
export function parseEntry(entry: unknown, place: RulePlace, index: number): RuleEntry {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry))
    refuse(place, [index], "must be a rule: match and actions, or name, type and action");
  return isMatchShaped(entry) ? parseMatchEntry(entry, place, index) : parseSimpleEntry(entry, place, index);
}
