import { LRUCache } from "lru-cache";
import { formatBasic } from "@longshore/base/basic";
import { isUpstreamError, UpstreamError } from "../errors.js";
import { HUB_CREDENTIALS_KEY, isDockerHub } from "../hosts.js";
import { parseChallenges, type Challenge } from "./challenge.js";
import { CredentialError, type Credentials, type CredentialSource } from "./credentials.js";
import type { Tokens } from "./tokens.js";
import { isDowngrade, isTrustedRealm, type TrustBoundary } from "./trust.js";

/** Finds the value of `Authorization` for requests to one upstream. */
export interface Authorizer {
  /** What a request for `scope` is sent with at first: what was learnt from earlier challenges, and nothing before the first one. */
  first(scope: string | undefined, signal: AbortSignal | undefined): Promise<string | undefined>;
  /**
   * What to send instead of `sent`, after a 401 with `headers` of WWW-Authenticate; undefined: there is nothing better. Throws
   * UpstreamError where the challenge leads outside the trust boundary, or no token can be had.
   */
  answer(
    headers: readonly string[],
    request: { readonly scope: string | undefined; readonly sent: string | undefined },
    signal: AbortSignal | undefined,
  ): Promise<string | undefined>;
}

/** How an upstream wants to be asked, as its last challenge said. */
type Scheme =
  { readonly kind: "basic" } | { readonly kind: "bearer"; readonly realm: URL; readonly service: string | undefined };

export interface AuthorizerOptions {
  readonly host: string;
  readonly boundary: TrustBoundary;
  readonly credentials: CredentialSource;
  readonly tokens: Tokens;
}

/** Scopes beyond our own that challenges asked for, by our own. */
const MAX_SCOPES = 1000;

const NEVER = new AbortController().signal;

export function createAuthorizer({ host, boundary, credentials, tokens }: AuthorizerOptions): Authorizer {
  const { upstream } = boundary;
  let scheme: Scheme | undefined;
  const added = new LRUCache<string, readonly string[]>({ max: MAX_SCOPES });

  const find = async (hosts: readonly string[], signal: AbortSignal | undefined): Promise<Credentials | undefined> => {
    const all = isDockerHub(upstream.host) ? [...hosts, HUB_CREDENTIALS_KEY] : hosts;
    try {
      return await credentials.get([...new Set(all)], signal ?? NEVER);
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      throw new UpstreamError(host, { code: "NO_CREDENTIALS", reason: error.message }, { cause: error });
    }
  };

  const basic = async (signal: AbortSignal | undefined): Promise<string | undefined> => {
    const found = await find([upstream.host], signal);
    if (found?.kind !== "password") return undefined;
    return formatBasic({ user: found.user, password: found.password.reveal() });
  };

  const bearer = async (
    { realm, service }: Extract<Scheme, { kind: "bearer" }>,
    scope: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string> => {
    const scopes = scope === undefined ? [] : [scope, ...(added.get(scope) ?? [])];
    return `Bearer ${await tokens.get({ realm, service, scopes }, () => credentialsFor(realm), signal)}`;
  };

  /** The question is shared by several requests, and ends with none of them. */
  const credentialsFor = async (realm: URL): Promise<Credentials | undefined> => {
    const isTrusted = isTrustedRealm(realm, boundary);
    // Distribution asks a helper for the realm's host; helpers made for Docker know the registry's.
    const found = await find(isTrusted ? [realm.host, upstream.host] : [upstream.host], NEVER);
    if (found === undefined || isTrusted) return found;
    throw refused(
      `the upstream wants its password sent to ${realm.host}, which is outside of its domain; list that host in realms if you trust it`,
    );
  };

  const refused = (reason: string): UpstreamError => new UpstreamError(host, { code: "REFUSED", reason });

  const authorize = (
    wanted: Scheme,
    scope: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> => (wanted.kind === "basic" ? basic(signal) : bearer(wanted, scope, signal));

  const readScheme = (challenges: readonly Challenge[]): Scheme | undefined => {
    const asked = challenges.find((each) => each.scheme === "bearer" && each.parameters.has("realm"));
    if (asked === undefined) return challenges.some((each) => each.scheme === "basic") ? { kind: "basic" } : undefined;
    const text = asked.parameters.get("realm") ?? "";
    if (!URL.canParse(text) || !/^https?:/i.test(text)) {
      throw new UpstreamError(host, { code: "INVALID_ANSWER", reason: "its challenge names no token service" });
    }
    const realm = new URL(text);
    realm.username = "";
    realm.password = "";
    if (isDowngrade(upstream, realm)) {
      throw refused(`the upstream sends us from TLS to a token service on plain HTTP, ${realm.host}`);
    }
    return { kind: "bearer", realm, service: asked.parameters.get("service") };
  };

  return {
    async first(scope, signal) {
      if (scheme === undefined) return undefined;
      try {
        return await authorize(scheme, scope, signal);
      } catch (error) {
        // The next request goes without, and learns from the upstream what it wants by now.
        if (isUpstreamError(error)) scheme = undefined;
        throw error;
      }
    },
    async answer(headers, { scope, sent }, signal) {
      const challenges = parseChallenges(headers);
      const wanted = readScheme(challenges);
      if (wanted === undefined) return undefined;
      scheme = wanted;
      if (sent !== undefined) {
        tokens.drop(sent.replace(/^Bearer /, ""));
        if (wanted.kind === "basic") credentials.forget();
        else learnScopes(challenges, scope, added);
      }
      const next = await authorize(wanted, scope, signal);
      return next === sent ? undefined : next;
    },
  };
}

/** A token for our own scope was refused: what the challenge asks for is added to it the next time, up to a bound. */
function learnScopes(
  challenges: readonly Challenge[],
  scope: string | undefined,
  added: LRUCache<string, readonly string[]>,
): void {
  const text = challenges.find((each) => each.scheme === "bearer")?.parameters.get("scope") ?? "";
  if (scope === undefined || text === "" || text === scope || text.length > 1000) return;
  const others = text.split(" ").filter((each) => each !== "" && each !== scope);
  if (others.length > 0 && others.length <= 10) added.set(scope, others);
}
