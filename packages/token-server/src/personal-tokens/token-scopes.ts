import { formatScopeEntry, parseScopeEntry, type RuleResource, type ScopeEntry } from "@longshore/auth";
import { compileWildcard } from "@longshore/base/wildcard";

/** Of the actions that are wanted of a resource, those that a token is good for. */
export type TokenLimit = (resource: RuleResource) => readonly string[];

const MOST_SCOPES = 100;
const LONGEST = 1024;

/**
 * The scopes that a new token is limited to, in their one spelling; undefined for none. Throws an Error, with a message for
 * people, for one that can't be read.
 */
export function normalizeScopes(scopes: readonly string[]): string[] | undefined {
  if (scopes.length > MOST_SCOPES) throw new Error(`more than ${MOST_SCOPES} scopes`);
  const entries = scopes.map(parseScope);
  return entries.length === 0 ? undefined : entries.map(formatScopeEntry);
}

/** The limit that scopes set; undefined: none. Throws as {@link normalizeScopes}. */
export function compileScopes(scopes: readonly string[] | undefined): TokenLimit | undefined {
  if (scopes === undefined) return undefined;
  const entries = scopes.map((text) => {
    const { type, name, actions } = parseScope(text);
    return { type, name: compileWildcard(name), actions: new Set(actions) };
  });
  return ({ type, name, actions }) => {
    const matching = entries.filter((entry) => entry.type === type && entry.name.matches(name));
    return actions.filter((action) => matching.some((entry) => entry.actions.has(action) || entry.actions.has("*")));
  };
}

function parseScope(text: string): ScopeEntry {
  const entry = text.length > LONGEST ? undefined : parseScopeEntry(text);
  const example = "repository:team/*:pull,push";
  if (entry === undefined || entry.class !== undefined || entry.actions.length === 0) {
    throw new Error(`${JSON.stringify(text.slice(0, 80))} is no scope; write it as ${example}`);
  }
  try {
    compileWildcard(entry.name);
  } catch (error) {
    throw new Error(
      `the name in ${JSON.stringify(text)}: ${error instanceof Error ? error.message : "can't be read"}`,
      {
        cause: error,
      },
    );
  }
  return { type: entry.type, name: entry.name, actions: [...new Set(entry.actions)].sort() };
}
