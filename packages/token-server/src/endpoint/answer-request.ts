import {
  AuthError,
  basicChallenge,
  formatScopeEntry,
  type Access,
  type AuthorizeOptions,
  type Clock,
  type Identity,
  type RuleResource,
  type ScopeEntry,
  type TokenAnswer,
  type TokenEndpoint,
  type TokenRequest,
} from "@longshore/auth";
import { expiringSignal } from "@longshore/base/abort";
import type { LoginContext, RuleSource } from "../contract.js";
import { decide } from "../rules/decide.js";
import { invalid, parseTokenQuestion, type TokenQuestion } from "./token-question.js";

/** Who a request for a token is from. */
export interface LoggedIn {
  readonly identity: Identity;
  /** What vouches for it, as the configuration calls it; undefined for anonymous clients. */
  readonly source: string | undefined;
  /** The account that came with the credentials, if it isn't the identity's. */
  readonly claimed?: string | undefined;
  /** What the credentials are good for, whatever the rules grant; undefined: all of it. */
  readonly limit?: ((resource: RuleResource) => readonly string[]) | undefined;
  /** What the answer says beside the token. */
  readonly extra?: Readonly<Record<string, string>> | undefined;
  /** A refresh token for this login; undefined if none may be issued. */
  readonly refreshToken?: ((context: LoginContext) => Promise<string | undefined> | undefined) | undefined;
}

/** What is to be signed. */
interface GrantedToken {
  readonly identity: Identity;
  readonly service: string;
  readonly access: readonly ScopeEntry[];
  /** Seconds since 1970. */
  readonly issuedAt: number;
}

/** What {@link createEndpoint} works with. */
export interface EndpointOptions {
  /** The realm of the Basic challenge for wrong credentials. */
  readonly realm: string;
  /** Of tokens, in seconds. */
  readonly lifetime: number;
  /** Values of `grant_type` beside `password` and `refresh_token`. */
  readonly grants: readonly string[];
  /** Whether tokens are issued for this audience; it isn't empty. */
  readonly serves: (service: string) => boolean;
  /** The audience of a token if the client names none. */
  readonly service: string;
  /** Throws AuthError. */
  readonly logIn: (question: TokenQuestion, request: TokenRequest, context: LoginContext) => Promise<LoggedIn>;
  readonly rules: readonly RuleSource[];
  readonly sign: (token: GrantedToken) => string | Promise<string>;
  readonly clock: Clock;
}

/** What is never to be waited for longer than a client waits (ms). */
const PATIENCE = 60_000;

/** What a token may grant, as JSON (bytes): with that, it fits into half of the headers that a registry reads by default. */
const MOST_GRANTED = 24_000;

/** Throws AuthError INVALID_REQUEST. */
function assertFits(access: readonly ScopeEntry[]): void {
  const size = Buffer.byteLength(JSON.stringify(access));
  if (size <= MOST_GRANTED) return;
  throw invalid(
    `what is granted takes ${size} bytes in a token, and ${MOST_GRANTED} fit: ask for fewer scopes at a time`,
  );
}

/** What is known of a login that is refused; for the log. */
interface RefusedLogin {
  /** As the client wrote it, or as its credentials prove. */
  readonly account?: string | undefined;
  readonly source?: string | undefined;
  readonly details?: Readonly<Record<string, string>> | undefined;
}

/** Wrong credentials, answered with a Basic challenge. `reason` is for the log. */
export function refusal(realm: string, reason: string, login: RefusedLogin = {}): AuthError {
  const challenge = basicChallenge(realm);
  return new AuthError({ code: "UNAUTHENTICATED", challenge, accesses: [], reason, refusal: "rejected", ...login });
}

/** Answers requests for tokens (wire contract §4.5): who it is, what they may do, and a token that says so. */
export function createEndpoint(options: EndpointOptions): TokenEndpoint {
  const { realm, lifetime, grants, logIn, rules, sign, clock } = options;

  function serviceOf({ service }: TokenQuestion): string {
    if (service === "") return options.service;
    if (options.serves(service)) return service;
    throw invalid(`this registry issues tokens for the service ${JSON.stringify(options.service)} only`);
  }

  async function grantedTo({ identity, limit }: LoggedIn, resources: readonly ScopeEntry[], context: LoginContext) {
    const subject = { ...identity, ip: context.remoteAddress, service: context.service };
    const access: ScopeEntry[] = [];
    const decided: string[] = [];
    for (const resource of resources) {
      const { actions: granted, rule } = await decide(rules, subject, resource, context.signal);
      const actions = limit === undefined ? granted : limit({ ...resource, actions: granted });
      decided.push(rule ?? "no rule");
      if (actions.length > 0) access.push({ ...resource, actions });
    }
    return { access, decided };
  }

  function assertAccount({ account }: TokenQuestion, { identity, claimed }: LoggedIn): void {
    if (account === undefined || account === identity.account) return;
    // Docker repeats the user name; tokens as passwords say by themselves whose they are, whatever name comes with them.
    if (account === claimed) return;
    // A name alone is no login; that the client forgot its password is for the client to hear.
    if (identity.account === "") throw refusal(realm, "an account without credentials", { account });
    throw invalid("account is not the one that logged in");
  }

  return {
    async issue(request: TokenRequest, { signal }: AuthorizeOptions = {}): Promise<TokenAnswer> {
      const question = parseTokenQuestion(request, grants);
      const service = serviceOf(question);
      using time = expiringSignal(signal, PATIENCE);
      const context = { remoteAddress: request.remoteAddress, service, signal: time.signal };
      const loggedIn = await logIn(question, request, context);
      const { identity, source, extra } = loggedIn;
      assertAccount(question, loggedIn);
      const { access, decided } = await grantedTo(loggedIn, question.resources, context);
      assertFits(access);
      const issuedAt = Math.floor(clock() / 1000);
      const token = await sign({ identity, service, access, issuedAt });
      // Docker keeps using the one that it has, from several processes at once: it must not be used up.
      const refresh =
        question.login.kind === "refresh"
          ? question.login.token
          : question.offline
            ? await loggedIn.refreshToken?.(context)
            : undefined;
      return {
        account: identity.account,
        asked: question.resources.flatMap(accessesOf),
        granted: access.flatMap(accessesOf),
        decided: { source, rules: decided },
        document: {
          token,
          access_token: token,
          expires_in: lifetime,
          issued_at: new Date(issuedAt * 1000).toISOString(),
          ...(question.oauth ? { scope: access.map(formatScopeEntry).join(" ") } : {}),
          ...(refresh === undefined ? {} : { refresh_token: refresh }),
          ...extra,
        },
      };
    },
  };
}

function accessesOf({ actions, type, class: resourceClass, name }: ScopeEntry): readonly Access[] {
  return actions.map((action) => ({ type, class: resourceClass, name, action }));
}
