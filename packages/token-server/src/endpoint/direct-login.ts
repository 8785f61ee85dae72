import {
  AuthError,
  basicCredentials,
  type Access,
  type AuthorizeOptions,
  type AuthRequest,
  type Grant,
  type PasswordCredentials,
} from "@longshore/auth";
import { expiringSignal } from "@longshore/base/abort";
import type { LoginContext, ResumedLogin, RuleSource } from "../contract.js";
import { decide } from "../rules/decide.js";
import type { PasswordLogin } from "./password-login.js";
import { isPossible } from "./token-question.js";

/** What {@link createDirectLogin} works with. */
export interface DirectLoginOptions {
  /** What the registry is called in rules. */
  readonly service: string;
  readonly passwords: PasswordLogin;
  readonly rules: readonly RuleSource[];
  /** The `WWW-Authenticate` line for wrong credentials. */
  readonly challenge: (request: AuthRequest, accesses: readonly Access[]) => string;
}

/**
 * The grant of a request that brings a name and a password instead of a token, as `curl -u` and scripts do; undefined if it has none.
 * Throws AuthError.
 */
export type DirectLogin = (
  request: AuthRequest,
  accesses: readonly Access[],
  options?: AuthorizeOptions,
) => Promise<Grant> | undefined;

/** How long a login may take (ms). */
export const PATIENCE = 60_000;

/** What {@link grantLogin} decides on. */
export interface LoginQuestion {
  readonly rules: readonly RuleSource[];
  readonly service: string;
  readonly login: ResumedLogin;
  readonly accesses: readonly Access[];
  readonly context: LoginContext;
}

/** Grants all of `accesses` to a login, or throws AuthError DENIED. */
export async function grantLogin({ rules, service, login, accesses, context }: LoginQuestion): Promise<Grant> {
  const { identity, limit, source } = login;
  const { account, token } = identity;
  const subject = { ...identity, ip: context.remoteAddress, service };
  const lacking: Access[] = [];
  const rulesOf: string[] = [];
  const decided = { source, rules: rulesOf };
  for (const access of accesses) {
    const wanted = { type: access.type, name: access.name, actions: [access.action] };
    const { actions, rule } = await decide(rules, subject, wanted, context.signal);
    const granted = limit === undefined ? actions : limit({ ...wanted, actions });
    rulesOf.push(rule ?? "no rule");
    if (!granted.includes(access.action)) lacking.push(access);
  }
  if (lacking.length === 0) return { account, token, unrestricted: false, decided };
  const what = lacking.map(({ action, type, name }) => `${action} of ${type} ${name}`).join(", ");
  const detail = `the rules, or the token's scopes, don't grant ${account}: ${what}`;
  throw new AuthError({ code: "DENIED", reason: detail, account, detail, decided });
}

/** Asks the sources and rules that a token for the same account would come from. */
export function createDirectLogin({ service, passwords, rules, challenge }: DirectLoginOptions): DirectLogin {
  async function grantFor(
    request: AuthRequest,
    accesses: readonly Access[],
    credentials: PasswordCredentials,
    signal: AbortSignal | undefined,
  ): Promise<Grant> {
    using time = expiringSignal(signal, PATIENCE);
    const context = { remoteAddress: request.remoteAddress, service, signal: time.signal };
    const { login, source } = await passwords(credentials, context);
    if (login.outcome !== "identified") {
      const reason = login.outcome === "failed" ? login.reason : "no source of identities knows the account";
      throw new AuthError({
        code: "UNAUTHENTICATED",
        challenge: challenge(request, accesses),
        accesses,
        reason,
        refusal: "rejected",
        account: credentials.account,
        source,
      });
    }
    return await grantLogin({ rules, service, login: { ...login, source }, accesses, context });
  }

  return (request, accesses, { signal } = {}) => {
    const credentials = basicCredentials(request);
    if (credentials === undefined || credentials === "malformed" || !isPossible(credentials)) return undefined;
    return grantFor(request, accesses, credentials, signal);
  };
}
