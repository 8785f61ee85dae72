import { quoteHeader } from "@longshore/base/quote";

/** What a Bearer challenge says. */
export interface BearerChallenge {
  readonly realm: string;
  readonly service: string;
  /** Space-separated entries; left out if empty. */
  readonly scope?: string | undefined;
  /** RFC 6750 §3.1. */
  readonly error?: string | undefined;
}

/** `WWW-Authenticate` of RFC 7617 (wire contract §4.3). */
export function basicChallenge(realm: string): string {
  return `Basic realm=${quoteHeader(realm)}`;
}

/** `WWW-Authenticate` of RFC 6750 in the parameter order that clients know (wire contract §4.4). */
export function bearerChallenge({ realm, service, scope, error }: BearerChallenge): string {
  let challenge = `Bearer realm=${quoteHeader(realm)},service=${quoteHeader(service)}`;
  if (scope !== undefined && scope !== "") challenge += `,scope=${quoteHeader(scope)}`;
  if (error !== undefined && error !== "") challenge += `,error=${quoteHeader(error)}`;
  return challenge;
}
