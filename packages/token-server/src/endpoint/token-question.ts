import {
  AuthError,
  isAccountName,
  parseScopeEntry,
  type PasswordCredentials,
  type ScopeEntry,
  type TokenRequest,
} from "@longshore/auth";

/** How a client says who it is. */
type Credentials =
  /** In a header or by a certificate, or not at all. */
  | { readonly kind: "request" }
  | { readonly kind: "password"; readonly credentials: PasswordCredentials }
  | { readonly kind: "refresh"; readonly token: string }
  | { readonly kind: "grant"; readonly type: string; readonly form: URLSearchParams };

/** What a client asks a token for. */
export interface TokenQuestion {
  readonly login: Credentials;
  /** Who it says the token is for; undefined if it doesn't say. */
  readonly account: string | undefined;
  /** Whom the token is shown to; empty if the client doesn't say. */
  readonly service: string;
  /** Each resource once. */
  readonly resources: readonly ScopeEntry[];
  /** Whether it wants a refresh token too. */
  readonly offline: boolean;
  /** Whether it came as an OAuth 2 form, whose answer names the scope. */
  readonly oauth: boolean;
}

/** No client needs more. Each resource is checked against all rules, and the token has to fit into a header line. */
const MAX_RESOURCES = 100;
const MAX_ACTIONS = 32;
const MAX_SCOPE_LENGTH = 1024;
const MAX_SERVICE_LENGTH = 256;
const MAX_REFRESH_LENGTH = 16_384;

/** Parameters that are read from a form alone. */
const SECRETS = ["password", "refresh_token", "subject_token"];

/** What the client did wrong, in words that it may see. */
export function invalid(reason: string): AuthError {
  return new AuthError({ code: "INVALID_REQUEST", reason });
}

/**
 * Reads a request in Docker's form (`GET ?service=&scope=&account=`) or in OAuth 2's (wire contract §4.5), whose password may also
 * be in a header. `grants` are further values of `grant_type`. Throws AuthError INVALID_REQUEST.
 */
export function parseTokenQuestion({ query, form }: TokenRequest, grants: readonly string[]): TokenQuestion {
  const values = form ?? query;
  const account = values.get("account") ?? "";
  const service = values.get("service") ?? "";
  if (service.length > MAX_SERVICE_LENGTH) throw invalid("service is too long");
  // Who sends one there would get an anonymous token, and wonder later; and proxies write addresses into their logs.
  const misplaced = SECRETS.find((name) => (query.get(name) ?? "") !== "");
  if (misplaced !== undefined) throw invalid(`${misplaced} must not be in the URL: send it in a form, by POST`);
  return {
    login: form === undefined ? { kind: "request" } : parseForm(form, grants),
    account: account === "" ? undefined : account,
    service,
    resources: parseResources(values.getAll("scope")),
    offline: form === undefined ? query.get("offline_token") === "true" : form.get("access_type") === "offline",
    oauth: form !== undefined,
  };
}

function parseForm(form: URLSearchParams, grants: readonly string[]): Credentials {
  const type = form.get("grant_type") ?? "";
  if (type === "refresh_token") {
    const token = form.get("refresh_token") ?? "";
    if (token === "") throw invalid("grant_type=refresh_token needs refresh_token");
    if (token.length > MAX_REFRESH_LENGTH) throw invalid("refresh_token is too long");
    return { kind: "refresh", token };
  }
  if (grants.includes(type)) return { kind: "grant", type, form };
  // docker_auth's clients post a name and a password without a grant_type.
  if (type !== "" && type !== "password") {
    throw invalid(`grant_type is none of ${["password", "refresh_token", ...grants].join(", ")}`);
  }
  const account = form.get("username") ?? "";
  const password = form.get("password") ?? "";
  if (account === "" && password === "") return { kind: "request" };
  if (!isPossible({ account, password })) throw invalid("username or password can't be read");
  return { kind: "password", credentials: { account, password } };
}

/** Whether there could be an account with this name and password. */
export function isPossible({ account, password }: PasswordCredentials): boolean {
  return isAccountName(account) && !password.includes("\0");
}

/** Each parameter may hold several scopes; actions of the same resource are joined. */
function parseResources(scopes: readonly string[]): readonly ScopeEntry[] {
  const resources = new Map<string, ScopeEntry>();
  for (const text of scopes.flatMap((scope) => scope.split(" "))) {
    if (text === "") continue;
    const entry = text.length > MAX_SCOPE_LENGTH ? undefined : parseScopeEntry(text);
    if (entry === undefined) throw invalid(`scope ${JSON.stringify(text.slice(0, 80))} is not type:name:actions`);
    const key = JSON.stringify([entry.type, entry.class, entry.name]);
    const actions = new Set([...(resources.get(key)?.actions ?? []), ...entry.actions]);
    if (actions.size > MAX_ACTIONS) throw invalid(`more than ${MAX_ACTIONS} actions of one resource`);
    resources.set(key, { ...entry, actions: [...actions].sort() });
    if (resources.size > MAX_RESOURCES) throw invalid(`more than ${MAX_RESOURCES} resources`);
  }
  return [...resources.values()];
}
