import { AuthError, type Identity, type Labels } from "@longshore/auth";
import { z } from "zod";

/** What a program or a hook may answer beside its verdict: docker_auth's `{"labels": {"name": ["value"]}}`. */
const answer = z.looseObject({ labels: z.record(z.string(), z.array(z.string())).nullish() });

const NO_LABELS: Labels = new Map();

/**
 * The labels of an answer, which may be empty. Throws AuthError UNAVAILABLE for anything else than the agreed JSON: it can't be told
 * what was meant. `source` is for the message.
 */
export function parseLabels(text: string, source: string): Labels {
  if (text.trim() === "") return NO_LABELS;
  const parsed = answer.safeParse(parseJson(text));
  if (parsed.success) return new Map(Object.entries(parsed.data.labels ?? {}));
  // What it printed may hold a password.
  throw new AuthError({
    code: "UNAVAILABLE",
    reason: `${source}: its output is neither empty nor JSON such as {"labels": {"groups": ["dev"]}}`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An account with labels that others than the operator may have chosen, unless `patterns` says that they are patterns. */
export function labelled(account: string, labels: Labels, patterns: boolean): Identity {
  return { account, labels, labelSyntax: patterns ? "pattern" : "literal" };
}
