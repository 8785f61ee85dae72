import {
  AuthError,
  basicCredentials,
  compileRules,
  type Authentication,
  type Authenticator,
  type AuthRequest,
  type OwnTokensOptions,
  type PasswordAuthenticator,
  type TokenRequest,
} from "@longshore/auth";
import { createOwnTokens } from "../../src/own-tokens/own-tokens.js";
import { request, TestClock } from "./harness.js";

/** Rules: public repositories for everyone, each user's own for that user, everything for admin. */
const RULES = [
  { match: { account: "admin" }, actions: ["*"] },
  { match: { account: "/.+/", name: "${account}/*" }, actions: ["*"] },
  { match: { account: "", name: "public/*" }, actions: ["pull"] },
  { match: { name: "public/*" }, actions: ["pull"] },
  { match: { labels: { team: "blue" }, name: "blue/*" }, actions: ["pull", "push"] },
];

/** Accounts in memory, as an htpasswd file would have them. */
function memoryPasswords(initial: Readonly<Record<string, string>>) {
  const accounts = new Map(Object.entries(initial));
  const throttled = new Set<string>();
  const identityOf = (account: string) => ({
    account,
    labels: new Map(account === "bob" ? [["team", ["blue"]]] : []),
  });
  const passwords: PasswordAuthenticator = {
    name: "memory",
    identify(incoming): Authentication | Promise<Authentication> {
      const credentials = basicCredentials(incoming);
      if (credentials === undefined) return { outcome: "absent" };
      if (credentials === "malformed") return { outcome: "failed", account: undefined, reason: "malformed" };
      return passwords.verify(credentials, incoming.remoteAddress);
    },
    verify({ account, password }) {
      if (throttled.has(account)) {
        throw new AuthError({ code: "THROTTLED", retryAfter: 7, reason: "too many failures", account });
      }
      if (accounts.get(account) !== password) return { outcome: "failed", account, reason: "wrong password" };
      return { outcome: "identified", identity: identityOf(account) };
    },
    lookup(account) {
      const password = accounts.get(account);
      return Promise.resolve(
        password === undefined ? undefined : { identity: identityOf(account), stamp: `stamp of ${password}` },
      );
    },
    close: () => Promise.resolve(),
  };
  return { passwords, accounts, throttled };
}

/** Treats every client certificate as alice's. */
const machines: Authenticator = {
  name: "machines",
  identify: ({ peerCertificate }) =>
    peerCertificate === undefined
      ? { outcome: "absent" }
      : { outcome: "identified", identity: { account: "alice", labels: new Map() } },
  close: () => Promise.resolve(),
};

/** The own tokens of a registry with alice, bob and admin. */
export function site(options: Partial<OwnTokensOptions> & { readonly ruleList?: unknown } = {}) {
  const clock = new TestClock();
  const memory = memoryPasswords({ alice: "wonderland", bob: "builder", admin: "root" });
  let rules = compileRules(options.ruleList ?? RULES);
  const server = createOwnTokens({
    service: "registry.test",
    secret: "0123456789abcdef",
    realm: "Registry",
    authenticators: [memory.passwords, machines],
    passwords: memory.passwords,
    rules: () => rules,
    clock: clock.now,
    ...options,
  });
  return {
    server,
    clock,
    ...memory,
    setRules(list: unknown) {
      rules = compileRules(list);
    },
  };
}

export function basic(account: string, password: string): string {
  return `Basic ${Buffer.from(`${account}:${password}`).toString("base64")}`;
}

export type Parameters = Readonly<Record<string, string | readonly string[]>>;

function search(parameters: Parameters): URLSearchParams {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of typeof value === "string" ? [value] : value) found.append(name, one);
  }
  return found;
}

/** A `GET` with these parameters. */
export function get(
  parameters: Parameters = {},
  authorization?: string,
  more: Partial<AuthRequest> = {},
): TokenRequest {
  return { ...request(authorization), ...more, query: search(parameters), form: undefined };
}

/** A `POST` of this form. */
export function post(form: Parameters, authorization?: string): TokenRequest {
  return { ...request(authorization), method: "POST", query: new URLSearchParams(), form: search(form) };
}

/** The token's claims, unverified. */
export function claimsOf(document: Readonly<Record<string, unknown>>, member = "token"): Record<string, unknown> {
  const token = document[member];
  if (typeof token !== "string") throw new Error(`no ${member}`);
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  if (typeof claims !== "object" || claims === null) throw new Error("no claims");
  return { ...claims };
}

/** A document's text. */
export function textOf(document: Readonly<Record<string, unknown>>, member: string): string {
  const text = document[member];
  if (typeof text !== "string") throw new Error(`no ${member}`);
  return text;
}
