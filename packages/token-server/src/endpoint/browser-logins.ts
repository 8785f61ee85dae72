import {
  ANONYMOUS,
  AuthError,
  type Access,
  type AuthorizeOptions,
  type AuthRequest,
  type BrowserLogins,
  type Clock,
  type Grant,
  type Identity,
  type KeptLogin,
} from "@longshore/auth";
import { expiringSignal } from "@longshore/base/abort";
import type { IdentitySource, LoginContext, ResumedLogin, RuleSource } from "../contract.js";
import { decideAtOnce } from "../rules/decide.js";
import type { SourceChain } from "../sources/chain/chain.js";
import { grantLogin, PATIENCE } from "./direct-login.js";
import type { PasswordLogin } from "./password-login.js";
import type { RefreshTokens } from "./refresh-tokens.js";
import { isPossible } from "./token-question.js";

/** What {@link createBrowserLogins} works with. */
export interface BrowserLoginsOptions {
  /** What the registry is called in rules. */
  readonly service: string;
  /** Whether clients without credentials get what the rules grant them. */
  readonly anonymous: boolean;
  readonly passwords: PasswordLogin;
  readonly sources: SourceChain;
  /** The same ones, for what each has of its own. */
  readonly each: readonly IdentitySource[];
  readonly rules: readonly RuleSource[];
  readonly clock: Clock;
  /** The `WWW-Authenticate` line for a request without a login. */
  readonly challenge: (request: AuthRequest, accesses: readonly Access[]) => string;
}

/** Finds out who an earlier login is now; undefined if it no longer holds. Throws AuthError UNAVAILABLE. */
export type ResumeLogin = (login: KeptLogin, context: LoginContext) => Promise<ResumedLogin | undefined>;

/** Asks the source of a login for its account as it is now: without its password, as for a refresh token. */
export function createResumeLogin(
  sources: SourceChain,
  each: readonly IdentitySource[],
  isRevoked: RefreshTokens["isRevoked"],
): ResumeLogin {
  return async ({ account, source: name, since = 0, stamp, credential, labels }, context) => {
    if (await isRevoked(account, since)) return undefined;
    if (credential !== undefined) {
      const login = await each.find((source) => source.name === name)?.resume?.(credential, context);
      if (login?.outcome !== "identified" || login.identity.account !== account) return undefined;
      return { identity: login.identity, limit: login.limit, source: name };
    }
    const known = await sources.lookup(name, account, context);
    if (known === "unsupported") {
      return labels === undefined ? undefined : { identity: recorded(account, labels), source: name };
    }
    return known === undefined || known.stamp !== stamp ? undefined : { identity: known.identity, source: name };
  };
}

function recorded(account: string, labels: NonNullable<KeptLogin["labels"]>): Identity {
  return { account, labels: new Map(Object.entries(labels)) };
}

/** Logins with a browser: what they may do is decided on as for a token of the same account. */
export function createBrowserLogins(options: BrowserLoginsOptions, resume: ResumeLogin): BrowserLogins {
  const { service, anonymous, passwords, sources, rules, clock, challenge } = options;

  function refuse(request: AuthRequest, reason: string, account: string, source?: string): AuthError {
    const fault = { code: "UNAUTHENTICATED", challenge: challenge(request, []), accesses: [] } as const;
    return new AuthError({ ...fault, reason, refusal: "rejected", account, source });
  }

  /** What is kept of a login that `source` has accepted; undefined if it can't be recognised again. */
  async function keep(
    identity: Identity,
    source: string,
    credential: string | undefined,
    isOfAccount: boolean,
    context: LoginContext,
  ): Promise<KeptLogin | undefined> {
    const { account } = identity;
    if (credential !== undefined) return { account, source, credential };
    if (!isOfAccount) return undefined;
    const known = await sources.lookup(source, account, context);
    if (known === "unsupported") {
      const labels = Object.fromEntries(Array.from(identity.labels, ([label, values]) => [label, [...values]]));
      return { account, source, labels };
    }
    return known === undefined ? undefined : { account, source, stamp: known.stamp };
  }

  /** Whether it may also do `access`, as far as that can be told at once. */
  function allows(
    { identity, limit }: Pick<ResumedLogin, "identity" | "limit">,
    ip: string | undefined,
    signal: AbortSignal,
  ): Grant["allows"] {
    const may = (access: Access): boolean | undefined => {
      const wanted = { type: access.type, name: access.name, actions: [access.action] };
      const verdict = decideAtOnce(rules, { ...identity, ip, service }, wanted, signal);
      if (verdict === undefined) return undefined;
      const granted = limit === undefined ? verdict.actions : limit({ ...wanted, actions: verdict.actions });
      return granted.includes(access.action);
    };
    // Rules of another server can't be asked about every name of a list.
    if (may({ type: "registry", name: "catalog", action: "*" }) === undefined) return undefined;
    return (access) => may(access) === true;
  }

  return {
    anonymous,
    async logIn(credentials, request, { signal }: AuthorizeOptions = {}) {
      if (!isPossible(credentials)) throw refuse(request, "no account has such a name or password", "");
      // From before the password was compared.
      const since = clock();
      using time = expiringSignal(signal, PATIENCE);
      const context = { remoteAddress: request.remoteAddress, service, signal: time.signal };
      const { login: found, source } = await passwords(credentials, context);
      if (found.outcome !== "identified" || source === undefined) {
        const reason = found.outcome === "failed" ? found.reason : "no source of identities knows the account";
        throw refuse(request, reason, credentials.account, source);
      }
      const { identity, renewable, credential } = found;
      const kept = await keep(identity, source, credential, renewable, context);
      if (kept === undefined) throw refuse(request, "these credentials are for programs", identity.account, source);
      const login = { ...kept, since };
      if (kept.stamp !== undefined) {
        // The password that was verified must be the one that the stamp is of.
        const again = await sources.verify(credentials, context);
        if (again.login.outcome !== "identified") throw refuse(request, "wrong password", identity.account, source);
      }
      return login;
    },
    async authorize(kept, request, accesses, { signal }: AuthorizeOptions = {}) {
      using time = expiringSignal(signal, PATIENCE);
      const context = { remoteAddress: request.remoteAddress, service, signal: time.signal };
      const resumed = kept === undefined ? undefined : await resume(kept, context);
      if (resumed === undefined && !anonymous) throw missing(request, accesses);
      const known = options.each.find((source) => source.anonymous !== undefined)?.anonymous ?? ANONYMOUS;
      const login = resumed ?? { identity: known, source: undefined };
      try {
        const grant = await grantLogin({ rules, service, login, accesses, context });
        return { ...grant, allows: allows(login, context.remoteAddress, context.signal) };
      } catch (error) {
        // A login could help.
        if (resumed === undefined && error instanceof AuthError && error.code === "DENIED")
          throw missing(request, accesses);
        throw error;
      }
    },
  };

  function missing(request: AuthRequest, accesses: readonly Access[]): AuthError {
    const fault = { code: "UNAUTHENTICATED", challenge: challenge(request, accesses), accesses } as const;
    return new AuthError({
      ...fault,
      reason: "no login, and the rules don't grant this without one",
      refusal: "missing",
    });
  }
}
