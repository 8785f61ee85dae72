import { AuthError, basicChallenge, basicCredentials, type AuthorizeOptions, type PageRequest } from "@longshore/auth";
import type { Login, LoginContext, ResumedLogin, TokenSite } from "../../contract.js";

/** Somebody who is logged in to the API of tokens. */
export interface TokenCaller {
  readonly account: string;
  /** The source that knows the account. */
  readonly source: string | undefined;
  /** Whether a password was shown: what was itself issued for a while can't create what lasts longer. */
  readonly byPassword: boolean;
  /** Whether it may manage the tokens of others: the rules grant `registry:tokens:*`. Throws AuthError UNAVAILABLE. */
  isAdmin(): Promise<boolean>;
}

const REALM = "personal access tokens";

/** The right to manage everybody's tokens. */
const MANAGE = { type: "registry", name: "tokens", actions: ["*"] } as const;

/** How long one question may take (ms). */
const PATIENCE = 30_000;

/** The context of a login for `request`. */
export function contextOf(request: PageRequest, service: string, { signal }: AuthorizeOptions = {}): LoginContext {
  const patience = AbortSignal.timeout(PATIENCE);
  return {
    remoteAddress: request.remoteAddress,
    service,
    signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
  };
}

/** Who calls the API, by Basic credentials or a login with a browser. Throws AuthError. */
export async function identifyCaller(
  request: PageRequest,
  site: TokenSite,
  context: LoginContext,
): Promise<TokenCaller> {
  if (request.login !== undefined) {
    const resumed = await site.resume(request.login, context);
    if (resumed === undefined) throw unauthenticated("the login no longer holds", "missing");
    return callerOf(resumed, request.login.credential === undefined, site, context);
  }
  const credentials = basicCredentials(request);
  if (credentials === undefined || credentials === "malformed") throw unauthenticated("no credentials", "missing");
  const { login, source } = await site.verify(credentials, context);
  if (login.outcome !== "identified") throw unauthenticated(reasonOf(login), "rejected", credentials.account, source);
  return callerOf({ ...login, source }, login.renewable, site, context);
}

function callerOf(
  { identity, limit, source }: ResumedLogin,
  byPassword: boolean,
  site: TokenSite,
  context: LoginContext,
): TokenCaller {
  // A token for less than its account, shown here, is good for less than this.
  if (limit !== undefined) {
    const reason = "this token is limited to scopes, and can't be used to manage tokens";
    throw new AuthError({ code: "DENIED", reason, account: identity.account, detail: reason });
  }
  return {
    account: identity.account,
    source,
    byPassword,
    async isAdmin() {
      const subject = { ...identity, ip: context.remoteAddress, service: context.service };
      return (await site.granted(subject, MANAGE, context.signal)).includes("*");
    },
  };
}

function reasonOf(login: Exclude<Login, { outcome: "identified" }>): string {
  return login.outcome === "failed" ? login.reason : "no source of identities knows the account";
}

function unauthenticated(
  reason: string,
  refusal: "missing" | "rejected",
  account?: string,
  source?: string,
): AuthError {
  return new AuthError({
    code: "UNAUTHENTICATED",
    challenge: basicChallenge(REALM),
    accesses: [],
    reason,
    refusal,
    account,
    source,
  });
}
