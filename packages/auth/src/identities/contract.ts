import type { AuthorizeOptions, AuthRequest } from "../contract.js";

/** Groups, teams and the like that rules can ask for, by name. */
export type Labels = ReadonlyMap<string, readonly string[]>;

/** Who a request is from. */
export interface Identity {
  /** Empty: nobody logged in. */
  readonly account: string;
  readonly labels: Labels;
  /**
   * What label values and parts of names are where a rule inserts them (`${labels:K}`, `${account:1}`): patterns, as
   * docker_auth has it, where the operator wrote them to be such; literal text by default, since others than the operator may
   * have chosen them, such as a certificate's requester or the client that names a repository.
   */
  readonly labelSyntax?: "literal" | "pattern" | undefined;
}

/** The identity of a request that shows no credentials. */
export const ANONYMOUS: Identity = { account: "", labels: new Map() };

/** What an authenticator found in a request. */
export type Authentication =
  | { readonly outcome: "identified"; readonly identity: Identity }
  /** Nothing that this authenticator reads: another one may be asked. */
  | { readonly outcome: "absent" }
  /** Credentials that are wrong; nobody else is asked. `account` is as the client spelled it. */
  | { readonly outcome: "failed"; readonly account: string | undefined; readonly reason: string };

/** Tells who a request is from. It decides nothing about what they may do. */
export interface Authenticator {
  /** The name in the configuration: `htpasswd`, `mtls`. */
  readonly name: string;
  /**
   * Throws AuthError THROTTLED when the client must wait before it tries again, and UNAVAILABLE when nobody can tell
   * now. Answers at once where it needs no wait.
   */
  identify(request: AuthRequest, options?: AuthorizeOptions): Authentication | Promise<Authentication>;
  /** Frees watched files and workers. Idempotent. */
  close(): Promise<void>;
}

/** A name with its password, from whatever part of a request. */
export interface PasswordCredentials {
  readonly account: string;
  readonly password: string;
}

/** An authenticator of passwords, which can also be asked with credentials that came otherwise than as Basic. */
export interface PasswordAuthenticator extends Authenticator {
  /** Never `absent`. Throws as {@link Authenticator.identify}; `remoteAddress` is whom failures are counted for. */
  verify(
    credentials: PasswordCredentials,
    remoteAddress: string | undefined,
    options?: AuthorizeOptions,
  ): Authentication | Promise<Authentication>;
  /**
   * The account without its password, for credentials that were issued earlier (refresh tokens): undefined when it can't log
   * in any more. `stamp` changes with the password, is the same in every process and tells nothing about it.
   */
  lookup(account: string): Promise<{ readonly identity: Identity; readonly stamp: string } | undefined>;
}
