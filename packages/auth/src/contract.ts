/**
 * One thing that a request wants to do, as in a token's scope (distribution token specification):
 * `repository:library/alpine:pull`, `registry:catalog:*`.
 */
export interface Access {
  readonly type: string;
  /** What stands in brackets behind the type: `repository(plugin)`. */
  readonly class?: string | undefined;
  readonly name: string;
  readonly action: string;
}

/** What a TLS client showed of itself, as plain data. */
export interface PeerCertificate {
  /** Whether it chains to the configured client CAs. */
  readonly verified: boolean;
  /** Subject attributes by their short names (`CN`, `O`, `OU`, …); repeated ones are lists. */
  readonly subject: Readonly<Record<string, string | readonly string[]>>;
  readonly issuer: Readonly<Record<string, string | readonly string[]>>;
  /** Comma-separated `DNS:…`, `URI:…`, `email:…` names, as OpenSSL prints them. */
  readonly subjectAltName?: string | undefined;
  /** Upper-case hex, colon-separated SHA-256 of the DER bytes. */
  readonly fingerprint256: string;
  /** DER. */
  readonly raw: Uint8Array;
}

/** What a controller may know of a request. */
export interface AuthRequest {
  readonly method: string;
  /** By lower-case name; a repeated header's lines are a list or comma-joined, as the transport has them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The address of the connection's other end. */
  readonly remoteAddress: string | undefined;
  /** Whether the connection is TLS. */
  readonly secure: boolean;
  readonly peerCertificate: PeerCertificate | undefined;
  /** Where clients find this registry: scheme, host and path before `/v2/`, without a closing slash. */
  readonly baseUrl?: string | undefined;
}

/** A resource that a grant covers, with the class that it was granted as (contract §11.2). */
export interface GrantedResource {
  readonly type: string;
  readonly class: string;
  readonly name: string;
}

/** What an accepted request may rely on. */
export interface Grant {
  /** Who it is, for logs; undefined where nobody asked. */
  readonly account?: string | undefined;
  /**
   * Whether every identity that this controller accepts may do everything. Only then may a client use what it didn't name,
   * such as a blob of any repository in a mount without `from`.
   */
  readonly unrestricted: boolean;
  /** What was granted with which class; undefined where the controller knows no classes. */
  readonly resources?: readonly GrantedResource[] | undefined;
  /**
   * Whether the same identity may also do what it didn't ask for: lists show it only what it may pull. Undefined where the
   * controller has no rules.
   */
  readonly allows?: ((access: Access) => boolean) | undefined;
}

/** Options of {@link AccessController.authorize}. */
export interface AuthorizeOptions {
  /** Ends the wait, with its reason, when the client is gone. */
  readonly signal?: AbortSignal | undefined;
}

/** A question for a token (contract §4.5). */
export interface TokenRequest extends AuthRequest {
  readonly query: URLSearchParams;
  /** The form of a POST; undefined for a GET. */
  readonly form: URLSearchParams | undefined;
}

/** An answered one. */
export interface TokenAnswer {
  /** Who the token is for; empty for anonymous. */
  readonly account: string;
  /** What it grants, for the audit log: never the token. */
  readonly granted: readonly Access[];
  /** The JSON document of the 200. It holds the token: not for logs. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** Issues the tokens that a controller's own challenges ask for; served at `<base>/auth/token`. */
export interface TokenEndpoint {
  /** Throws {@link AuthError}: UNAUTHENTICATED for wrong credentials, INVALID_REQUEST, THROTTLED, UNAVAILABLE. */
  issue(request: TokenRequest, options?: AuthorizeOptions): Promise<TokenAnswer>;
}

/** Decides who a request is from and whether it may do what it wants. It never writes a response. */
export interface AccessController {
  /** The name in `auth:` of the configuration. */
  readonly name: string;
  /**
   * Grants all of `accesses` or throws {@link AuthError}: UNAUTHENTICATED with the challenge to answer, DENIED, THROTTLED,
   * or UNAVAILABLE when it can't tell. With no accesses it still wants valid credentials. A controller that needs no wait
   * answers at once.
   */
  authorize(request: AuthRequest, accesses: readonly Access[], options?: AuthorizeOptions): Grant | Promise<Grant>;
  /** Where its challenges send clients for tokens, if that is this registry itself. */
  readonly tokens?: TokenEndpoint | undefined;
  /** Reads its files again, whether they seem changed or not. Throws AuthError and keeps what it had where they are bad. */
  reload?(): Promise<void>;
  /** Frees what it holds: watched files, workers. Idempotent. */
  close(): Promise<void>;
}
