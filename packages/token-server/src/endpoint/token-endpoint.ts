import {
  ANONYMOUS,
  AuthError,
  basicChallenge,
  basicCredentials,
  TOKEN_CLAIM,
  type AuthRequest,
  type Clock,
  type PasswordCredentials,
  type TokenEndpoint,
} from "@longshore/auth";
import type { IdentitySource, Login, LoginContext, RuleSource, TokenGrant } from "../contract.js";
import type { KeyRing } from "../keys/key-ring.js";
import type { SourceChain } from "../sources/chain/chain.js";
import { createTokenWriter, type HeaderStyle } from "./access-token.js";
import { createEndpoint, refusal, type LoggedIn } from "./answer-request.js";
import type { PasswordLogin } from "./password-login.js";
import type { RefreshTokens } from "./refresh-tokens.js";
import { invalid, isPossible, type TokenQuestion } from "./token-question.js";

/** What {@link createTokenEndpoint} works with. */
export interface TokenEndpointOptions {
  readonly issuer: string;
  /** The audience of a token if the client names none. */
  readonly service: string;
  /** The further audiences that clients may name; undefined: any. */
  readonly services: readonly string[] | undefined;
  /** Of tokens, in ms. */
  readonly lifetime: number;
  /** Whether clients without credentials get tokens for what the rules grant them. */
  readonly anonymous: boolean;
  readonly header: HeaderStyle;
  readonly keys: KeyRing;
  readonly sources: SourceChain;
  /** The same ones, for what each has of its own. */
  readonly each: readonly IdentitySource[];
  readonly passwords: PasswordLogin;
  readonly rules: readonly RuleSource[];
  readonly refreshTokens: RefreshTokens;
  readonly clock: Clock;
}

/** The endpoint of a token server: its sources say who it is, and its rules what they may do. */
export function createTokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  const { issuer, service, services, sources, refreshTokens, keys } = options;
  const lifetime = Math.floor(options.lifetime / 1000);
  const write = createTokenWriter(options.header);
  const grants = new Map<string, { readonly grant: TokenGrant; readonly source: string }>();
  for (const source of options.each) {
    for (const grant of source.grants ?? []) grants.set(grant.type, { grant, source: source.name });
  }

  function refuse(reason: string, account?: string, source?: string): AuthError {
    return refusal(issuer, reason, { account, source });
  }

  async function logIn({ login }: TokenQuestion, request: AuthRequest, context: LoginContext): Promise<LoggedIn> {
    switch (login.kind) {
      case "request": {
        const credentials = basicLogin(request);
        return credentials === undefined ? anonymous() : byPassword(credentials, context);
      }
      case "password":
        return byPassword(login.credentials, context);
      case "refresh":
        return redeem(login.token, context);
      case "grant": {
        const known = grants.get(login.type);
        if (known === undefined) throw invalid("grant_type is not supported");
        const { login: found, extra } = await known.grant.redeem(login.form, context);
        return { ...identified(found, known.source, undefined), extra };
      }
    }
  }

  async function byPassword(credentials: PasswordCredentials, context: LoginContext): Promise<LoggedIn> {
    const { login, source } = await options.passwords(credentials, context);
    return { ...identified(login, source, credentials.account), claimed: credentials.account };
  }

  function anonymous(): LoggedIn {
    if (options.anonymous) {
      const known = options.each.find((source) => source.anonymous !== undefined);
      return { identity: known?.anonymous ?? ANONYMOUS, source: undefined };
    }
    const fault = { code: "UNAUTHENTICATED", challenge: basicChallenge(issuer), accesses: [] } as const;
    throw new AuthError({ ...fault, reason: "no credentials", refusal: "missing" });
  }

  function identified(login: Login, source: string | undefined, account: string | undefined): LoggedIn {
    switch (login.outcome) {
      case "identified": {
        const { identity, renewable, limit } = login;
        // A refresh token would be good for all that the account may do, and for as long as nothing ends it.
        const isRenewable = renewable && limit === undefined && source !== undefined && looksUp(source);
        return {
          identity,
          source,
          limit,
          refreshToken: isRenewable ? (context) => issueRefresh(source, identity.account, context) : undefined,
        };
      }
      case "unknown":
        throw refuse("no source of identities knows the account", account);
      case "failed":
        throw refuse(login.reason, account, source);
    }
  }

  async function redeem(token: string, context: LoginContext): Promise<LoggedIn> {
    const found = await refreshTokens.redeem(token);
    if (found === undefined) throw refuse("the refresh token is not ours, has expired or was revoked");
    const { account, source } = found;
    if (found.service !== context.service) throw refuse("the refresh token is for another service", account, source);
    const known = await sources.lookup(source, account, context);
    if (known === "unsupported") throw refuse("the refresh token's source can't look accounts up", account, source);
    if (known === undefined) throw refuse("the refresh token's account is gone", account, source);
    if (!found.isFor(known.stamp)) throw refuse("the account has another password since", account, source);
    return { identity: known.identity, source };
  }

  async function issueRefresh(source: string, account: string, context: LoginContext): Promise<string> {
    const known = await sources.lookup(source, account, context);
    const stamp = known === "unsupported" ? undefined : known?.stamp;
    return refreshTokens.issue({ source, account, service: context.service, stamp });
  }

  /** Whether a removed account is noticed without its password. */
  function looksUp(source: string): boolean {
    return options.each.some((each) => each.name === source && each.lookup !== undefined);
  }

  return createEndpoint({
    realm: issuer,
    lifetime,
    grants: [...grants.keys()],
    service,
    serves: (wanted) => wanted === service || services === undefined || services.includes(wanted),
    async logIn(question, request, context) {
      const loggedIn = await logIn(question, request, context);
      return question.oauth ? { ...loggedIn, extra: { token_type: "Bearer", ...loggedIn.extra } } : loggedIn;
    },
    rules: options.rules,
    async sign({ identity: { account, token }, service: audience, access, issuedAt }) {
      await keys.check();
      return write(
        {
          issuer,
          service: audience,
          account,
          issuedAt,
          lifetime,
          more: token === undefined ? { access } : { access, [TOKEN_CLAIM]: token },
        },
        keys.signing,
      );
    },
    clock: options.clock,
  });
}

/** The name and password in the header; undefined if there are none. Throws AuthError INVALID_REQUEST. */
function basicLogin(request: AuthRequest): PasswordCredentials | undefined {
  const credentials = basicCredentials(request);
  if (credentials === undefined) return undefined;
  if (credentials === "malformed") throw invalid("the Basic credentials can't be read");
  // Clients that have been given no credentials send empty ones.
  if (credentials.account === "" && credentials.password === "") return undefined;
  if (!isPossible(credentials)) throw invalid("no account has such a name or password");
  return credentials;
}
