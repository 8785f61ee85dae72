import type { Access, AccessController, AuthRequest, TokenEndpoint } from "../contract.js";

/**
 * Tokens that the registry issues itself to those whom a controller knows, so that clients that understand only Bearer
 * challenges can come both with and without a login.
 */
export interface OwnTokens {
  readonly endpoint: TokenEndpoint;
  /** The Bearer challenge that sends clients to the endpoint; `error` as in RFC 6750 §3.1. */
  challenge(request: AuthRequest, accesses: readonly Access[], error?: string): string;
  /** Judges a request with `Authorization: Bearer …`. Throws as the controllers do. */
  readonly authorize: AccessController["authorize"];
}
