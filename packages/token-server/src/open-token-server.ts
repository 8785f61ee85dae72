import {
  AuthError,
  bearerToken,
  compileRules,
  keyIds,
  openLoginLedger,
  tokenChallenge,
  type Access,
  type AccessController,
  type AuthPage,
  type AuthRequest,
  type ControllerPorts,
  type LoginWay,
  type TrustedKeys,
  type VerificationKey,
} from "@longshore/auth";
import { createTokenGate, createTokenVerifier } from "@longshore/auth/tokens";
import type { ChosenRules, ChosenSource, IdentitySource, RuleSource, SourcePorts, TokenSite } from "./contract.js";
import { createBrowserLogins, createResumeLogin } from "./endpoint/browser-logins.js";
import { createDirectLogin } from "./endpoint/direct-login.js";
import { createPasswordLogin } from "./endpoint/password-login.js";
import { keyPages, TOKEN_PATH } from "./endpoint/key-pages.js";
import { realmOf } from "./endpoint/realm.js";
import { openRefreshTokens } from "./endpoint/refresh-tokens.js";
import { createTokenEndpoint } from "./endpoint/token-endpoint.js";
import { openKeyRing, type KeyRing } from "./keys/key-ring.js";
import type { TokenServerOptions } from "./options.js";
import { accountSources } from "./sources/account-sources.js";
import { createSourceChain } from "./sources/chain/chain.js";
import { DEFAULT_LIMITS, guardSource } from "./sources/chain/guard.js";
import { decide } from "./rules/decide.js";
import { listedRules } from "./rules/inline-rules.js";

/** Options with what they have chosen. */
export interface OpenTokenServerOptions extends TokenServerOptions {
  readonly chosenSources: readonly ChosenSource[];
  readonly chosenRules: readonly ChosenRules[];
  /** Where the list `access` stands among the rules; -1: nowhere. */
  readonly accessAt: number;
}

/**
 * Opens a token server and the registry's side of it: its endpoint, its pages, and a controller that admits its tokens. Throws
 * AuthError INVALID_OPTIONS for what can't be used, UNAVAILABLE while the storage can't be.
 */
export async function openTokenServer(
  options: OpenTokenServerOptions,
  ports: ControllerPorts,
): Promise<AccessController> {
  const { records, log, clock, secret } = ports;
  if (records === undefined) {
    throw new AuthError({
      code: "INVALID_OPTIONS",
      path: "tokenserver",
      reason: "it needs a storage to keep its keys on",
    });
  }
  const { service, lifetime, refreshlifetime, anonymousrules: anonymousRules } = options;
  const issuer = options.issuer ?? service;
  const rules: RuleSource[] = [];
  const each: IdentitySource[] = [];
  const sources = createSourceChain(each, options);
  const passwords = createPasswordLogin(sources, openLoginLedger(options.throttle, ports), clock);
  const refreshTokens = await openRefreshTokens(records, { clock, lifetime: refreshlifetime });
  const resume = createResumeLogin(sources, each, (...question) => refreshTokens.isRevoked(...question));
  const site: TokenSite = {
    resume,
    sources: accountSources(options.chosenSources),
    verify: passwords,
    async lookup(...account) {
      const found = await sources.lookup(...account);
      return found === "unsupported" ? found : found?.identity;
    },
    granted: async (...question) => (await decide(rules, ...question)).actions,
  };
  const fileLog = ports.fileLog ?? log;
  const sourcePorts: SourcePorts = { site, log, fileLog, clock, records, secret, service, anonymousRules };
  const opened: { close(): Promise<void> }[] = [];
  try {
    for (const chosen of options.chosenRules) {
      const one = await chosen.open(sourcePorts);
      opened.push(one);
      rules.push(one);
    }
    if (options.accessAt >= 0) {
      const access = compileRules(ports.rules, undefined, { anonymous: anonymousRules });
      rules.splice(
        options.accessAt,
        0,
        listedRules("access", () => access),
      );
    }
    for (const source of options.chosenSources) {
      const one = guardSource(await source.open(sourcePorts), source.limits ?? DEFAULT_LIMITS, clock);
      opened.push(one);
      each.push(one);
    }

    let changed = (): void => undefined;
    const keys = await openKeyRing({
      records,
      clock,
      log,
      issuer,
      lifetime,
      algorithm: options.keys.algorithm,
      files:
        options.keys.key === undefined ? undefined : { certificate: options.keys.certificate, key: options.keys.key },
      onChange: () => changed(),
    });
    const verifier = createTokenVerifier({
      issuer,
      service,
      algorithms: ["EdDSA", "ES256", "ES384", "ES512", "RS256"],
      keys: trustedKeys(keys),
      refresh: () => keys.refresh(),
      clock,
    });
    changed = () => verifier.forget();
    const challenge = (request: AuthRequest, accesses: readonly Access[], error?: string): string =>
      tokenChallenge({ realm: realmOf(request, TOKEN_PATH), service }, accesses, error);
    const direct = createDirectLogin({ service, passwords, rules, challenge });
    const gate = createTokenGate({
      verifier,
      challenge,
      check: () => keys.check(),
    });
    const logins = createBrowserLogins(
      { service, anonymous: options.anonymous, passwords, sources, each, rules, clock, challenge },
      resume,
    );
    const endpoint = createTokenEndpoint({
      issuer,
      service,
      services: options.services.includes("*") ? undefined : options.services,
      lifetime,
      anonymous: options.anonymous,
      header: { certificates: options.keys.x5c, keyId: options.keys.keyid },
      keys,
      sources,
      each,
      passwords,
      rules,
      refreshTokens,
      clock,
    });
    const grants = each.flatMap((source) => source.grants ?? []).map(({ type }) => type);
    const pages: readonly AuthPage[] = [
      ...keyPages(issuer, keys, grants),
      ...each.flatMap((source) => source.pages ?? []),
    ];
    return {
      name: "tokenserver",
      tokens: endpoint,
      pages,
      ways: waysOf(each),
      logins,
      authorize(request, accesses, callOptions) {
        const token = bearerToken(request.headers["authorization"]);
        if (token === undefined) {
          return direct(request, accesses, callOptions) ?? gate.refuseMissing(request, accesses);
        }
        const admitted = gate.admit(request, accesses, token, callOptions);
        return admitted instanceof Promise ? admitted.then(({ grant }) => grant) : admitted.grant;
      },
      async reload() {
        await Promise.all([sources.reload(), keys.reload(), ...rules.map((rule) => rule.reload?.())]);
      },
      async close() {
        await Promise.all([sources.close(), ...rules.map((rule) => rule.close())]);
      },
    };
  } catch (error) {
    await Promise.allSettled(opened.map((one) => one.close()));
    throw error;
  }
}

/** By a name and password, if only one source takes them, and what sources have of their own. */
function waysOf(sources: readonly IdentitySource[]): readonly LoginWay[] {
  const own = sources.flatMap(({ ways }) => ways ?? []);
  return sources.some(({ ways }) => ways === undefined) ? [{ kind: "password" }, ...own] : own;
}

/** The ring's keys by each of their ids, and by the certificates that tokens bring along. */
function trustedKeys(keys: KeyRing): TrustedKeys {
  return {
    get roots() {
      return keys.verifying.flatMap(({ certificates }) => certificates.slice(0, 1));
    },
    find(id): VerificationKey | undefined {
      const found = keys.verifying.find(({ publicKey }) => keyIds(publicKey).includes(id));
      return found === undefined ? undefined : { key: found.publicKey, algorithms: [found.algorithm] };
    },
    ids: () => keys.verifying.map(({ id }) => id),
  };
}
