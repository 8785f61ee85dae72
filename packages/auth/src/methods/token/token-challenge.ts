import { bearerChallenge } from "../../challenge.js";
import type { Access, AuthRequest } from "../../access-controller.js";
import { formatScopeEntry, type ScopeEntry } from "../../scope.js";

/** The order of actions that clients of Distribution are used to. */
const USUAL_ORDER: readonly string[] = ["pull", "push", "delete"];

/** The scope that `accesses` need: one entry for each resource, in order of appearance (wire contract §4.4). */
export function groupedScope(accesses: readonly Access[]): string {
  const resources = new Map<string, ScopeEntry>();
  for (const { type, class: resourceClass, name, action } of accesses) {
    const key = JSON.stringify([type, name]);
    const known = resources.get(key);
    const actions = new Set([...(known?.actions ?? []), action]);
    resources.set(key, { type, class: known?.class ?? resourceClass, name, actions: [...actions] });
  }
  return [...resources.values()]
    .map((entry) => formatScopeEntry({ ...entry, actions: entry.actions.toSorted(inUsualOrder) }))
    .join(" ");
}

/** What a challenge says about the authorization server. */
export interface ChallengeSource {
  readonly realm: string;
  readonly service: string;
}

/** The challenge for `accesses`, with an `error` of RFC 6750 if there is one. */
export function tokenChallenge(source: ChallengeSource, accesses: readonly Access[], error?: string): string {
  return bearerChallenge({ ...source, scope: groupedScope(accesses), error });
}

/**
 * The realm on the host that the client called, as Distribution builds it: https unless `X-Forwarded-Proto` says otherwise
 * (wire contract §4.4). Distribution uses any value of that header; here it must be http or https, from a trusted proxy.
 */
export function redirectedRealm(request: AuthRequest, path: string): string {
  const forwarded = request.believed === false ? undefined : firstLine(request.headers["x-forwarded-proto"]);
  const proto = forwarded !== undefined && /^https?$/i.test(forwarded) ? forwarded : "https";
  // HTTP/2 names the host in a pseudo-header.
  const host = firstLine(request.headers["host"]) ?? firstLine(request.headers[":authority"]) ?? "";
  return `${proto}://${host}${path}`;
}

function firstLine(value: string | readonly string[] | undefined): string | undefined {
  const line = typeof value === "string" ? value : value?.[0];
  return line === "" ? undefined : line;
}

function inUsualOrder(a: string, b: string): number {
  return placeOf(a) - placeOf(b);
}

function placeOf(action: string): number {
  const place = USUAL_ORDER.indexOf(action);
  return place < 0 ? USUAL_ORDER.length : place;
}
