import type { Access, AuthorizeOptions, AuthRequest, Grant, TokenEndpoint } from "./access-controller.js";
import type { Authenticator, PasswordAuthenticator } from "./identities/identity.js";
import type { Rules } from "./rules/rules.js";

/**
 * The tokens of a registry whose rules admit anonymous clients: Docker only proceeds without credentials if a Bearer challenge
 * tells it to get a token (wire contract §4.5). Whoever composes the registry provides them.
 */
export interface OwnTokens extends TokenEndpoint {
  /**
   * The grant of a request with one of these tokens; undefined if it has no Bearer token. Throws AuthError UNAUTHENTICATED with a
   * Bearer challenge.
   */
  admit(
    request: AuthRequest,
    accesses: readonly Access[],
    options?: AuthorizeOptions,
  ): Grant | Promise<Grant> | undefined;
  /** The Bearer challenge that sends a client to the endpoint; `error` as in RFC 6750 §3.1. */
  challenge(request: AuthRequest, accesses: readonly Access[], error?: string): string;
}

/** What {@link CreateOwnTokens} works with. */
export interface OwnTokensOptions {
  /** The registry's name in challenges, and the audience and issuer of its tokens. */
  readonly service: string;
  /** `http.secret`. */
  readonly secret: string;
  /** Identify requests; the first one that finds credentials decides. */
  readonly authenticators: readonly Authenticator[];
  /** Verifies passwords in forms, and the accounts of refresh tokens; undefined supports neither. */
  readonly passwords?: PasswordAuthenticator | undefined;
  /** The rules currently in force. */
  readonly rules: () => Rules;
  /** The realm of the Basic challenge for wrong credentials. */
  readonly realm: string;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** Throws AuthError INVALID_OPTIONS for an empty secret. */
export type CreateOwnTokens = (options: OwnTokensOptions) => OwnTokens | Promise<OwnTokens>;
