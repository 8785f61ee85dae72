import type { KeptLogin, LoginWay } from "./kept-login.js";

/**
 * One thing that a request wants to do, as in a token's scope (distribution token specification):
 * `repository:library/alpine:pull`, `registry:catalog:*`.
 */
export interface Access {
  readonly type: string;
  /** The part in brackets after the type, as in `repository(plugin)`. */
  readonly class?: string | undefined;
  readonly name: string;
  readonly action: string;
}

/** The certificate of a TLS client, as plain data. */
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
  /** The client's address, as trusted proxies report it; `unknown` if such a proxy reports none. */
  readonly remoteAddress: string | undefined;
  /** Whether its `X-Forwarded-*` headers are trusted; undefined means yes. */
  readonly believed?: boolean | undefined;
  /** Whether the connection is TLS. */
  readonly secure: boolean;
  readonly peerCertificate: PeerCertificate | undefined;
  /** Where clients find this registry: scheme, host and path before `/v2/`, without a closing slash. */
  readonly baseUrl?: string | undefined;
}

/** A resource that a grant covers, with the class that it was granted as (wire contract §11.2). */
export interface GrantedResource {
  readonly type: string;
  readonly class: string;
  readonly name: string;
}

/** Who vouched for an account, and which rules decided, in the words of the configuration; for the audit log. */
export interface Decided {
  /** Undefined for anonymous clients. */
  readonly source: string | undefined;
  /** One for each resource. */
  readonly rules: readonly string[];
}

/** What an authorized request may do. */
export interface Grant {
  /** The account, for logs; undefined if the controller doesn't identify clients. */
  readonly account?: string | undefined;
  /** The id of the personal access token that the client logged in with; undefined if it has none. */
  readonly token?: string | undefined;
  /**
   * Whether every identity that this controller accepts may do everything. Only then may a client use what its request didn't
   * name, such as a blob of any repository in a mount without `from`.
   */
  readonly unrestricted: boolean;
  /** The granted resources with their classes; undefined if the controller has no classes. */
  readonly resources?: readonly GrantedResource[] | undefined;
  /**
   * Whether the same identity may also do something that this request didn't ask for: lists only show what the client may
   * pull. Undefined if the controller has no rules.
   */
  readonly allows?: ((access: Access) => boolean) | undefined;
  /** Undefined if a token says what was decided earlier, or the controller has no sources and rules. */
  readonly decided?: Decided | undefined;
  /** Whether the request is from a page of this host, in a browser: nothing that it is answered may run there. */
  readonly toPage?: true | undefined;
  /** Whether a login decided that the browser keeps. Any client may pretend to be a page, but not to have logged in. */
  readonly bySession?: true | undefined;
}

/** Options of {@link AccessController.authorize}. */
export interface AuthorizeOptions {
  /** Aborts the wait, with its reason, when the client disconnects. */
  readonly signal?: AbortSignal | undefined;
}

/** A request for a token (wire contract §4.5). */
export interface TokenRequest extends AuthRequest {
  readonly query: URLSearchParams;
  /** The form of a POST; undefined for a GET. */
  readonly form: URLSearchParams | undefined;
}

/** The answer to a {@link TokenRequest}. */
export interface TokenAnswer {
  /** The account that the token is for; empty for anonymous. */
  readonly account: string;
  /** What the token grants, for the audit log; never the token itself. */
  readonly granted: readonly Access[];
  readonly decided?: Decided | undefined;
  /** What was asked, for the audit log. */
  readonly asked?: readonly Access[] | undefined;
  /** The JSON body of the 200. It contains the token and must not be logged. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** Issues the tokens that a controller's challenges require; served at `<base>/auth/token`. */
export interface TokenEndpoint {
  /** Throws {@link AuthError}: UNAUTHENTICATED for wrong credentials, INVALID_REQUEST, THROTTLED, UNAVAILABLE. */
  issue(request: TokenRequest, options?: AuthorizeOptions): Promise<TokenAnswer>;
}

/** A request to one of {@link AccessController.pages}. */
export interface PageRequest extends AuthRequest {
  /** The path below the registry's address. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The body of a POST, PUT or PATCH: at most 64 KiB. */
  readonly body: Uint8Array;
  /** Who has logged in with the browser that sends the request, if it is from a page of this host. */
  readonly login?: KeptLogin | undefined;
}

/** The answer of a page. Headers are in lower case; an answer is never cached unless it says otherwise. */
export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
  /** The account, for the log; undefined for anonymous requests. */
  readonly account?: string | undefined;
  /** What was decided on, for the audit log; undefined if nothing was. */
  readonly audit?: PageAudit | undefined;
  /** The login that was made here, if it was for a page: its server remembers it for the browser, which it sends back there. */
  readonly login?: KeptLogin | undefined;
}

/** A decision of a page. */
export interface PageAudit {
  readonly outcome: "allowed" | "denied";
  /** The source that vouched for the account. */
  readonly source?: string | undefined;
  /** The personal access token that it was about, by its id. */
  readonly token?: string | undefined;
}

/** Something that a controller serves beside tokens: its keys, a login in a browser, an API. It looks at credentials itself. */
export interface AuthPage {
  /** Below the registry's address, such as `/auth/keys`: each `{word}` in it is one segment. */
  readonly path: string;
  readonly methods: readonly ("GET" | "POST" | "PUT" | "PATCH" | "DELETE")[];
  /** What the audit log calls its decisions; undefined if it is for everyone. */
  readonly audited?: "login" | "tokens" | undefined;
  /** Throws {@link AuthError}. */
  answer(request: PageRequest, options?: AuthorizeOptions): Promise<PageAnswer>;
}

/** Logins of people with a browser. How a browser is recognised again is their caller's concern. */
export interface BrowserLogins {
  /** Verifies a name and password once. Throws AuthError, with the same throttling as any other login. */
  logIn(
    credentials: { readonly account: string; readonly password: string },
    request: AuthRequest,
    options?: AuthorizeOptions,
  ): Promise<KeptLogin>;
  /**
   * Grants what the account of an earlier login may do now, by the same decision as for its password or token; as an anonymous client
   * if the login no longer holds or there is none. Throws AuthError like {@link AccessController.authorize}.
   */
  authorize(
    login: KeptLogin | undefined,
    request: AuthRequest,
    accesses: readonly Access[],
    options?: AuthorizeOptions,
  ): Promise<Grant>;
  /** Whether clients that don't log in may do anything. */
  readonly anonymous: boolean;
}

/** Decides who sent a request and whether they may do what it asks for. It never writes a response. */
export interface AccessController {
  /** The name in `auth:` of the configuration. */
  readonly name: string;
  /**
   * Grants all of `accesses` or throws {@link AuthError}: UNAUTHENTICATED with the challenge for the response, DENIED,
   * THROTTLED, or UNAVAILABLE if it can't decide now. Without accesses it still requires valid credentials. It returns a
   * promise only if it has to wait.
   */
  authorize(request: AuthRequest, accesses: readonly Access[], options?: AuthorizeOptions): Grant | Promise<Grant>;
  /** Issues the tokens that its challenges require, if this registry issues them itself. */
  readonly tokens?: TokenEndpoint | undefined;
  /** What else it serves. */
  readonly pages?: readonly AuthPage[] | undefined;
  /** How people may log in with a browser; undefined: there is nothing to log in to. */
  readonly ways?: readonly LoginWay[] | undefined;
  /** Logins of people with a browser; undefined if this registry verifies none. */
  readonly logins?: BrowserLogins | undefined;
  /** Reads its files again, whether or not they seem changed. Throws AuthError and keeps the previous state if they are bad. */
  reload?(): Promise<void>;
  /** Releases watched files and workers. Idempotent. */
  close(): Promise<void>;
}
