import {
  ANONYMOUS,
  AuthError,
  bearerToken,
  tokenChallenge,
  TokenRefused,
  type Access,
  type Authentication,
  type AuthRequest,
  type Grant,
  type Identity,
  type OwnTokens,
  type OwnTokensOptions,
  type VerifiedToken,
} from "@longshore/auth";
import { createTokenGate, createTokenVerifier } from "@longshore/auth/tokens";
import { z } from "zod";
import { createEndpoint, refusal, type LoggedIn } from "../endpoint/answer-request.js";
import { TOKEN_PATH } from "../endpoint/key-pages.js";
import { realmOf } from "../endpoint/realm.js";
import type { TokenQuestion } from "../endpoint/token-question.js";
import { listedRules } from "../rules/inline-rules.js";
import { deriveSigningKey } from "./derived-keys.js";
import { createLoginTokens, createOwnWriter, only } from "./login-tokens.js";

/** In seconds. With the leeway of verifiers, a token outlives a change of the rules by at most five minutes. */
const LIFETIME = 240;
const REFRESH_LIFETIME = 90 * 24 * 3600;

/**
 * Issues tokens for what `rules` grant to identified and anonymous clients, and accepts them. Public and private repositories
 * can only coexist this way, because clients stay anonymous only if a Bearer challenge sends them for a token (wire contract
 * §4.5). The keys are derived from `secret`: nothing is kept. Throws AuthError INVALID_OPTIONS for an empty secret.
 */
export function createOwnTokens(options: OwnTokensOptions): OwnTokens {
  const { service, secret, realm, passwords, rules, clock } = options;
  const key = deriveSigningKey(secret, "access");
  const write = createOwnWriter();
  const logins = createLoginTokens({ service, secret, lifetime: REFRESH_LIFETIME, clock });
  const verifier = createTokenVerifier({
    issuer: service,
    service,
    algorithms: [key.algorithm],
    keys: only(key),
    clock,
  });
  const challenge = (request: AuthRequest, accesses: readonly Access[], error?: string): string =>
    tokenChallenge({ realm: realmOf(request, TOKEN_PATH), service }, accesses, error);
  const gate = createTokenGate({ verifier, challenge });

  async function logIn({ login }: TokenQuestion, request: AuthRequest, signal: AbortSignal): Promise<LoggedIn> {
    switch (login.kind) {
      case "request":
        return authenticate(request, signal);
      case "password": {
        const { credentials } = login;
        if (passwords === undefined)
          throw refusal(realm, "this registry takes no passwords", { account: credentials.account });
        return accepted(await passwords.verify(credentials, request.remoteAddress, { signal }), passwords.name);
      }
      case "refresh":
        return { identity: await redeem(login.token), source: passwords?.name };
      case "grant":
        throw new Error("no such grant was announced");
    }
  }

  async function authenticate(request: AuthRequest, signal: AbortSignal): Promise<LoggedIn> {
    for (const authenticator of options.authenticators) {
      const found = await authenticator.identify(request, { signal });
      if (found.outcome !== "absent") return accepted(found, authenticator.name);
    }
    return { identity: ANONYMOUS, source: undefined };
  }

  function accepted(found: Authentication, source: string): LoggedIn {
    switch (found.outcome) {
      case "identified": {
        const { identity } = found;
        // Only for logins with a password, because a refresh token is valid until the password changes.
        const isByPassword = source === passwords?.name;
        return { identity, source, refreshToken: isByPassword ? () => issueRefresh(identity.account) : undefined };
      }
      case "failed":
        throw refusal(realm, found.reason, { account: found.account, source });
      case "absent":
        throw refusal(realm, "the credentials are malformed");
    }
  }

  async function issueRefresh(account: string): Promise<string | undefined> {
    const known = await passwords?.lookup(account);
    return known === undefined ? undefined : logins.issue(account, known.stamp, Math.floor(clock() / 1000));
  }

  async function redeem(token: string): Promise<Identity> {
    try {
      const { account, isFor } = await logins.read(token);
      const known = await passwords?.lookup(account);
      if (known !== undefined && isFor(known.stamp)) return known.identity;
      throw refusal(realm, "the refresh token's account was removed or has a new password", { account });
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      throw refusal(realm, `refresh token: ${error.message}`, { details: error.details });
    }
  }

  /** For what the token grants but the rules don't grant at this address: the client is sent for a new token. */
  function refuseHere(
    request: AuthRequest,
    accesses: readonly Access[],
    { action, type, name }: Access,
    account: string,
  ): AuthError {
    return new AuthError({
      code: "UNAUTHENTICATED",
      challenge: challenge(request, accesses, "insufficient_scope"),
      accesses,
      reason: `the rules don't grant ${action} on ${type} ${name} at the address that the token is used from`,
      refusal: "insufficient",
      account: account === "" ? undefined : account,
    });
  }

  function grantOf(verified: VerifiedToken, request: AuthRequest, accesses: readonly Access[]): Grant {
    let identity: Identity | undefined;
    const allows = ({ action, ...resource }: Access): boolean => {
      identity ??= identityOf(verified);
      const subject = { ...identity, ip: request.remoteAddress, service };
      return rules()
        .granted(subject, { ...resource, actions: [action] })
        .includes(action);
    };
    // The token may have been issued to an address that an `ip` rule matches, and be used from another one.
    const elsewhere = rules().readsAddress ? accesses.find((access) => !allows(access)) : undefined;
    if (elsewhere !== undefined) throw refuseHere(request, accesses, elsewhere, verified.account);
    return { ...verified.grant, allows };
  }

  const endpoint = createEndpoint({
    realm,
    lifetime: LIFETIME,
    grants: [],
    service,
    serves: (wanted) => wanted === service,
    logIn: (question, request, { signal }) => logIn(question, request, signal),
    rules: [listedRules("access", rules)],
    sign({ identity: { account, labels, labelSyntax }, access, issuedAt }) {
      const described = labels.size === 0 ? {} : { labels: Object.fromEntries(labels), label_syntax: labelSyntax };
      const named = account === "" ? undefined : account;
      const more = { access, ...described };
      return write({ issuer: service, service, account: named, issuedAt, lifetime: LIFETIME, more }, key);
    },
    clock,
  });

  return {
    issue: (request, callOptions) => endpoint.issue(request, callOptions),
    challenge,
    admit(request, accesses, callOptions) {
      const token = bearerToken(request.headers["authorization"]);
      if (token === undefined) return undefined;
      const admitted = gate.admit(request, accesses, token, callOptions);
      return admitted instanceof Promise
        ? admitted.then((verified) => grantOf(verified, request, accesses))
        : grantOf(admitted, request, accesses);
    },
  };
}

const LABELS = z.object({
  labels: z.record(z.string(), z.array(z.string())).default({}),
  label_syntax: z.enum(["literal", "pattern"]).optional(),
});

/** The identity that one of our access tokens was issued to. */
function identityOf({ account, claims }: VerifiedToken): Identity {
  const { labels, label_syntax: labelSyntax } = LABELS.parse(claims);
  return { account, labels: new Map(Object.entries(labels)), labelSyntax };
}
