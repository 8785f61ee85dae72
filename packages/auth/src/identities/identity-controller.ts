import { basicChallenge } from "../challenge.js";
import type { Access, AccessController, AuthorizeOptions, AuthRequest, Grant } from "../access-controller.js";
import { AuthError } from "../errors.js";
import type { OwnTokens } from "../own-tokens.js";
import type { Rules, RuleSubject } from "../rules/rules.js";
import {
  ANONYMOUS,
  type Authentication,
  type Authenticator,
  type Identity,
  type PasswordAuthenticator,
} from "./identity.js";
import { createPasswordLogins } from "./password-logins.js";

/** What {@link createIdentityController} works with. */
export interface IdentityControllerOptions {
  /** The name in `auth:` of the configuration. */
  readonly name: string;
  /** Asked in this order; the first one that finds credentials decides. The controller closes them. */
  readonly authenticators: readonly Authenticator[];
  /** Undefined lets every identity do everything, as in Distribution. */
  readonly rules: Rules | undefined;
  readonly realm: string;
  readonly service: string;
  /**
   * The registry's own tokens, if the rules admit anonymous clients: Docker only proceeds without credentials if a Bearer
   * challenge tells it to get a token. Otherwise clients are challenged for Basic credentials.
   */
  readonly tokens?: OwnTokens | undefined;
  /** The one of the authenticators that verifies passwords, for logins with a browser. */
  readonly passwords?: PasswordAuthenticator | undefined;
  reload?(): Promise<void>;
}

type Refusal = "missing" | "rejected" | "insufficient";

/** `pull of repository a/b`. */
function describe({ type, name, action }: Access): string {
  return `${action} of ${type} ${name}`;
}

/** The identity as rules see it. */
function ruleSubject(identity: Identity, request: AuthRequest, service: string): RuleSubject {
  return { ...identity, ip: request.remoteAddress, service };
}

function isGranted(rules: Rules, subject: RuleSubject, { type, name, action }: Access): boolean {
  return rules.granted(subject, { type, name, actions: [action] }).length > 0;
}

/** Authenticators identify the client, rules decide what it may do. */
export function createIdentityController(options: IdentityControllerOptions): AccessController {
  const { name, authenticators, rules, realm, service, tokens } = options;

  function challenge(request: AuthRequest, accesses: readonly Access[], refusal: Refusal): string {
    const error = refusal === "insufficient" ? "insufficient_scope" : undefined;
    return tokens === undefined ? basicChallenge(realm) : tokens.challenge(request, accesses, error);
  }

  function refuse(
    request: AuthRequest,
    accesses: readonly Access[],
    refusal: Refusal,
    reason: string,
    account?: string,
  ): never {
    const fault = {
      code: "UNAUTHENTICATED",
      challenge: challenge(request, accesses, refusal),
      accesses,
      reason,
    } as const;
    throw new AuthError({ ...fault, refusal, account });
  }

  function grantOf(subject: RuleSubject): Grant {
    const { account } = subject;
    if (rules === undefined) return { account, unrestricted: true };
    return { account, unrestricted: false, allows: (access) => isGranted(rules, subject, access) };
  }

  function grantIdentity(identity: Identity, request: AuthRequest, accesses: readonly Access[]): Grant {
    const { account } = identity;
    const subject = ruleSubject(identity, request, service);
    const lacking = rules === undefined ? [] : accesses.filter((access) => !isGranted(rules, subject, access));
    if (lacking.length === 0) return grantOf(subject);
    const detail = `the rules don't grant ${account}: ${lacking.map(describe).join(", ")}`;
    throw new AuthError({ code: "DENIED", reason: detail, account, detail });
  }

  /** Without credentials: what the rules grant to everyone needs no login; anything else does, and so does `/v2/`. */
  function grantAnonymous(request: AuthRequest, accesses: readonly Access[], isVisitor: boolean): Grant {
    if (rules?.admitsAnonymous !== true || (accesses.length === 0 && !isVisitor))
      refuse(request, accesses, "missing", "no credentials");
    const subject = ruleSubject(ANONYMOUS, request, service);
    if (!accesses.every((access) => isGranted(rules, subject, access)))
      refuse(request, accesses, "missing", "no credentials, and the rules don't grant this without a login");
    return grantOf(subject);
  }

  /** `isVisitor`: whether a person looks at a page, who needs no login to be there. */
  function conclude(
    found: Authentication,
    request: AuthRequest,
    accesses: readonly Access[],
    isVisitor = false,
  ): Grant {
    switch (found.outcome) {
      case "identified":
        return grantIdentity(found.identity, request, accesses);
      case "absent":
        return grantAnonymous(request, accesses, isVisitor);
      case "failed":
        return refuse(request, accesses, "rejected", found.reason, found.account);
    }
  }

  const { passwords } = options;
  return {
    name,
    tokens,
    ways: passwords === undefined ? [] : [{ kind: "password" }],
    logins:
      passwords &&
      createPasswordLogins({
        passwords,
        anonymous: rules?.admitsAnonymous === true,
        authorize: (identity, request, accesses) => grantIdentity(identity, request, accesses),
        authorizeOthers: async (request, accesses, callOptions) =>
          conclude(await identify(authenticators, request, callOptions), request, accesses, true),
        refuse: (request, reason, account) => refuse(request, [], "rejected", reason, account),
      }),
    authorize,
    reload: async () => options.reload?.(),
    async close() {
      await Promise.all(authenticators.map((authenticator) => authenticator.close()));
    },
  };

  function authorize(request: AuthRequest, accesses: readonly Access[], callOptions?: AuthorizeOptions) {
    const admitted = tokens?.admit(request, accesses, callOptions);
    if (admitted !== undefined) return admitted;
    const found = identify(authenticators, request, callOptions);
    return found instanceof Promise
      ? found.then((authentication) => conclude(authentication, request, accesses))
      : conclude(found, request, accesses);
  }
}

/** The answer of the first authenticator that finds credentials. It is a promise only if one of them has to wait. */
function identify(
  authenticators: readonly Authenticator[],
  request: AuthRequest,
  options?: AuthorizeOptions,
): Authentication | Promise<Authentication> {
  const [first, ...others] = authenticators;
  if (first === undefined) return { outcome: "absent" };
  const orOthers = (found: Authentication): Authentication | Promise<Authentication> =>
    found.outcome === "absent" ? identify(others, request, options) : found;
  const found = first.identify(request, options);
  return found instanceof Promise ? found.then(orOthers) : orOthers(found);
}
