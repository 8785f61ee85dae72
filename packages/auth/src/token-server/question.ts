import type { TokenRequest } from "../contract.js";
import { AuthError } from "../errors.js";
import { isAccountName } from "../identities/basic.js";
import type { PasswordCredentials } from "../identities/contract.js";
import { parseScopeEntry, type ScopeEntry } from "../scope.js";

/** What a client asks a token for, as it says itself. */
export interface TokenQuestion {
  /** How it says who it is, beside the request's headers and certificate. */
  readonly login:
    | { readonly kind: "request" }
    | { readonly kind: "password"; readonly credentials: PasswordCredentials }
    | { readonly kind: "refresh"; readonly token: string };
  /** Who it wants the token for; undefined where it doesn't say. */
  readonly account: string | undefined;
  /** Each resource once. */
  readonly resources: readonly ScopeEntry[];
  /** Whether it wants a refresh token too. */
  readonly offline: boolean;
  /** Whether it came as an OAuth 2 form (RFC 6749 §4.3, §6). */
  readonly oauth: boolean;
}

/** More is no client; each costs a look through all rules, and the token has to fit into a header line. */
const MAX_RESOURCES = 100;
const MAX_ACTIONS = 32;
const MAX_SCOPE_LENGTH = 1024;

/** Names in Docker's form `GET ?service=&scope=&account=` and in OAuth 2's (contract §4.5). Throws AuthError INVALID_REQUEST. */
export function parseTokenQuestion({ query, form }: TokenRequest, service: string): TokenQuestion {
  const values = form ?? query;
  const wanted = values.get("service") ?? "";
  if (wanted !== "" && wanted !== service) {
    throw invalid(`this registry issues tokens for the service ${JSON.stringify(service)} only`);
  }
  const account = values.get("account") ?? "";
  return {
    login: form === undefined ? { kind: "request" } : parseLogin(form),
    account: account === "" ? undefined : account,
    resources: parseResources(values.getAll("scope")),
    offline: form === undefined ? query.get("offline_token") === "true" : form.get("access_type") === "offline",
    oauth: form !== undefined,
  };
}

function parseLogin(form: URLSearchParams): TokenQuestion["login"] {
  const type = form.get("grant_type") ?? "";
  if (type === "refresh_token") {
    const token = form.get("refresh_token") ?? "";
    if (token === "") throw invalid("grant_type=refresh_token needs refresh_token");
    return { kind: "refresh", token };
  }
  // docker_auth's clients post a name and a password without a grant_type.
  if (type !== "" && type !== "password") throw invalid("grant_type is neither password nor refresh_token");
  const account = form.get("username") ?? "";
  const password = form.get("password") ?? "";
  if (account === "" && password === "") return { kind: "request" };
  if (!isAccountName(account) || password.includes("\0")) throw invalid("username or password can't be read");
  return { kind: "password", credentials: { account, password } };
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

/** What the client did wrong, in words that it may see. */
export function invalid(reason: string): AuthError {
  return new AuthError({ code: "INVALID_REQUEST", reason });
}
