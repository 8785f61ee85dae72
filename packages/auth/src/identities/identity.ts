import type { AuthorizeOptions, AuthRequest } from "../access-controller.js";

/** Attributes such as groups and teams, by name, which rules can match. */
export type Labels = ReadonlyMap<string, readonly string[]>;

/** Who sent a request. */
export interface Identity {
  /** Empty for anonymous. */
  readonly account: string;
  readonly labels: Labels;
  /**
   * How label values and captured parts of names are read when a rule inserts them (`${labels:K}`, `${account:1}`). As patterns,
   * like docker_auth does, only if the operator wrote them as patterns; by default as literal text, because someone else may
   * have chosen them, such as the requester of a certificate or the client that names a repository.
   */
  readonly labelSyntax?: "literal" | "pattern" | undefined;
  /** The id of the personal access token that proves it; undefined if something else does. */
  readonly token?: string | undefined;
}

/** The identity of a request without credentials. */
export const ANONYMOUS: Identity = { account: "", labels: new Map() };

/** What an authenticator found in a request. */
export type Authentication =
  | { readonly outcome: "identified"; readonly identity: Identity }
  /** No credentials of the sort that this authenticator reads; the next one is asked. */
  | { readonly outcome: "absent" }
  /** Wrong credentials; no other authenticator is asked. `account` is as the client spelled it. */
  | { readonly outcome: "failed"; readonly account: string | undefined; readonly reason: string };

/** Identifies the sender of a request. It doesn't decide what they may do. */
export interface Authenticator {
  /** The name in the configuration: `htpasswd`, `mtls`. */
  readonly name: string;
  /**
   * Throws AuthError THROTTLED if the client must wait before it tries again, and UNAVAILABLE if it can't decide now. Returns
   * a promise only if it has to wait.
   */
  identify(request: AuthRequest, options?: AuthorizeOptions): Authentication | Promise<Authentication>;
  /** Reads its files again, whether or not they seem changed. Throws AuthError and keeps the previous state if they are bad. */
  reload?(): Promise<void>;
  /** Releases watched files and workers. Idempotent. */
  close(): Promise<void>;
}

/** A name with its password, from any part of a request. */
export interface PasswordCredentials {
  readonly account: string;
  readonly password: string;
}

/** An authenticator of passwords, which can also verify credentials that didn't come in a Basic header. */
export interface PasswordAuthenticator extends Authenticator {
  /** Never `absent`. Throws like {@link Authenticator.identify}. Failures are counted for `remoteAddress`. */
  verify(
    credentials: PasswordCredentials,
    remoteAddress: string | undefined,
    options?: AuthorizeOptions,
  ): Authentication | Promise<Authentication>;
  /**
   * Looks up an account without its password, for credentials that were issued earlier (refresh tokens); undefined if it can
   * no longer log in. `stamp` changes with the password, is the same in every process, and reveals nothing about the password.
   */
  lookup(account: string): Promise<{ readonly identity: Identity; readonly stamp: string } | undefined>;
}
