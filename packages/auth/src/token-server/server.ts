import { basicChallenge } from "../challenge.js";
import { bearerToken } from "../controllers/token/header.js";
import { createTokenGate } from "../controllers/token/gate.js";
import { tokenChallenge } from "../controllers/token/challenge.js";
import { TokenRefused } from "../controllers/token/refusal.js";
import type {
  Access,
  AuthorizeOptions,
  AuthRequest,
  Grant,
  TokenAnswer,
  TokenEndpoint,
  TokenRequest,
} from "../contract.js";
import { AuthError } from "../errors.js";
import {
  ANONYMOUS,
  type Authentication,
  type Authenticator,
  type Identity,
  type PasswordAuthenticator,
} from "../identities/contract.js";
import type { Clock } from "../ports.js";
import type { Rules } from "../rules/contract.js";
import { formatScopeEntry } from "../scope.js";
import { createMint, identityOf, type AccessEntry } from "./mint.js";
import { invalid, parseTokenQuestion, type TokenQuestion } from "./question.js";

/** What {@link createTokenServer} works with. Times in seconds. */
export interface TokenServerOptions {
  /** What the registry calls itself in challenges: the tokens' audience and issuer. */
  readonly service: string;
  /** `http.secret`. */
  readonly secret: string;
  /** Whom requests are from: the first one that finds something decides. */
  readonly authenticators: readonly Authenticator[];
  /** Takes passwords from forms, and vouches for refresh tokens; undefined: neither is possible. */
  readonly passwords?: PasswordAuthenticator | undefined;
  /** The rules that are in force now. */
  readonly rules: () => Rules;
  /** Of the Basic challenge for wrong credentials. */
  readonly realm: string;
  readonly clock: Clock;
  /** With the leeway of verifiers, a token outlives a change of rules by five minutes at the most. */
  readonly lifetime?: number | undefined;
  readonly refreshLifetime?: number | undefined;
}

/** A token endpoint and the controller's side of its tokens. */
export interface TokenServer extends TokenEndpoint {
  /**
   * What a request with one of our tokens may rely on; undefined where it shows none. Throws AuthError UNAUTHENTICATED with
   * a Bearer challenge.
   */
  admit(
    request: AuthRequest,
    accesses: readonly Access[],
    options?: AuthorizeOptions,
  ): Grant | Promise<Grant> | undefined;
  /** The Bearer challenge that sends a client here; `error` as in RFC 6750 §3.1. */
  challenge(request: AuthRequest, accesses: readonly Access[], error?: string): string;
}

interface Login {
  readonly identity: Identity;
  readonly byPassword: boolean;
}

const LIFETIME = 240;
/** The token specification's least: clients take less for this (contract §4.5). */
const MIN_LIFETIME = 60;
const REFRESH_LIFETIME = 90 * 24 * 3600;

/** Where the endpoint is, below the registry's address. */
const PATH = "/auth/token";

/**
 * Issues tokens for what `rules` grant, to whom `authenticators` know and to anonymous clients, and takes them: what makes
 * public and private repositories side by side work for clients that only log in when a Bearer challenge sends them
 * (contract §4.5). Throws AuthError INVALID_OPTIONS for an empty secret.
 */
export function createTokenServer(options: TokenServerOptions): TokenServer {
  const { service, passwords, rules, clock } = options;
  const lifetime = Math.max(options.lifetime ?? LIFETIME, MIN_LIFETIME);
  const refreshLifetime = options.refreshLifetime ?? REFRESH_LIFETIME;
  const mint = createMint({ service, secret: options.secret, lifetime, refreshLifetime, clock });
  const challenge = (request: AuthRequest, accesses: readonly Access[], error?: string): string =>
    tokenChallenge({ realm: baseOf(request) + PATH, service }, accesses, error);
  const gate = createTokenGate({ verifier: mint.verifier, challenge });

  function refuse(reason: string, account: string | undefined): AuthError {
    return new AuthError({
      code: "UNAUTHENTICATED",
      challenge: basicChallenge(options.realm),
      accesses: [],
      reason,
      refusal: "rejected",
      account,
    });
  }

  async function authenticate(request: TokenRequest, callOptions: AuthorizeOptions): Promise<Login> {
    for (const authenticator of options.authenticators) {
      const found = await authenticator.identify(request, callOptions);
      if (found.outcome !== "absent") return accepted(found, authenticator === passwords);
    }
    return { identity: ANONYMOUS, byPassword: false };
  }

  async function login({ login }: TokenQuestion, request: TokenRequest, callOptions: AuthorizeOptions): Promise<Login> {
    if (login.kind === "refresh") return { identity: await redeem(login.token), byPassword: true };
    if (login.kind === "request") return authenticate(request, callOptions);
    if (passwords === undefined) throw refuse("this registry takes no passwords", login.credentials.account);
    return accepted(await passwords.verify(login.credentials, request.remoteAddress, callOptions), true);
  }

  function accepted(found: Authentication, byPassword: boolean): Login {
    if (found.outcome === "identified") return { identity: found.identity, byPassword };
    throw found.outcome === "failed"
      ? refuse(found.reason, found.account)
      : refuse("the credentials can't be read", undefined);
  }

  async function redeem(token: string): Promise<Identity> {
    try {
      const { account, isFor } = await mint.readRefresh(token);
      const known = await passwords?.lookup(account);
      if (known !== undefined && isFor(known.stamp)) return known.identity;
      throw refuse("the refresh token's account is gone or has another password", account);
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      throw refuse(`refresh token: ${error.message}`, undefined);
    }
  }

  /** Only for who logged in with a password, since it ends when the password does. */
  async function refreshToken(question: TokenQuestion, { identity, byPassword }: Login, issuedAt: number) {
    // Docker keeps using the one that it has, from several processes at once: it must not be used up.
    if (question.login.kind === "refresh") return question.login.token;
    if (!question.offline || !byPassword) return undefined;
    const known = await passwords?.lookup(identity.account);
    return known === undefined ? undefined : mint.refresh(identity.account, known.stamp, issuedAt);
  }

  function grantedTo(identity: Identity, question: TokenQuestion, ip: string | undefined): readonly AccessEntry[] {
    const subject = { ...identity, ip, service };
    return question.resources
      .map((entry) => ({ ...entry, actions: rules().granted(subject, entry) }))
      .filter(({ actions }) => actions.length > 0);
  }

  return {
    challenge,
    admit(request, accesses, callOptions) {
      const token = bearerToken(request.headers["authorization"]);
      if (token === undefined) return undefined;
      const admitted = gate.admit(request, accesses, token, callOptions);
      const grantOf = (verified: Awaited<typeof admitted>): Grant => {
        let identity: Identity | undefined;
        return {
          ...verified.grant,
          allows({ action, ...resource }) {
            identity ??= identityOf(verified);
            const subject = { ...identity, ip: request.remoteAddress, service };
            return rules()
              .granted(subject, { ...resource, actions: [action] })
              .includes(action);
          },
        };
      };
      return admitted instanceof Promise ? admitted.then(grantOf) : grantOf(admitted);
    },
    async issue(request, callOptions = {}): Promise<TokenAnswer> {
      const question = parseTokenQuestion(request, service);
      const loggedIn = await login(question, request, callOptions);
      const { identity } = loggedIn;
      assertAccount(question, identity);
      const issuedAt = Math.floor(clock() / 1000);
      const access = grantedTo(identity, question, request.remoteAddress);
      const token = await mint.access(identity, access, issuedAt);
      const refresh = await refreshToken(question, loggedIn, issuedAt);
      return {
        account: identity.account,
        granted: access.flatMap(({ actions, ...resource }) => actions.map((action) => ({ ...resource, action }))),
        document: {
          token,
          access_token: token,
          expires_in: lifetime,
          issued_at: new Date(issuedAt * 1000).toISOString(),
          ...(question.oauth ? { scope: access.map(formatScopeEntry).join(" ") } : {}),
          ...(refresh === undefined ? {} : { refresh_token: refresh }),
        },
      };
    },
  };

  function assertAccount({ account }: TokenQuestion, identity: Identity): void {
    if (account === undefined || account === identity.account) return;
    // A name alone is no login; that the client forgot its password is for the client to hear.
    if (identity.account === "") throw refuse("an account without credentials", account);
    throw invalid("account is not the one that logged in");
  }
}

function baseOf(request: AuthRequest): string {
  if (request.baseUrl !== undefined) return request.baseUrl;
  const host = request.headers["host"];
  return `${request.secure ? "https" : "http"}://${typeof host === "string" ? host : ""}`;
}
