import { formatBasic } from "@longshore/base/basic";
import { z } from "zod";
import type { Credentials } from "./credentials.js";

/** What a token service is asked for. */
export interface TokenQuestion {
  readonly realm: URL;
  readonly service: string | undefined;
  /** `repository:library/alpine:pull`, … */
  readonly scopes: readonly string[];
}

/** A token request as HTTP has it. */
export interface TokenRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Seconds that a token holds where the service doesn't tell (Distribution, token specification). */
const DEFAULT_LIFETIME = 60;

/** What we call ourselves in token requests. */
const CLIENT = "longshore";

/**
 * The requests that may bring a token, in the order in which they are tried: the next one only where the service answers that it doesn't
 * know the one before (400, 404, 405). Registries differ in which of the two they have (gcr.io has no POST).
 */
export function tokenRequests(question: TokenQuestion, credentials: Credentials | undefined): readonly TokenRequest[] {
  if (credentials === undefined) return [getRequest(question, undefined)];
  if (credentials.kind === "refresh-token") {
    const token = credentials.token.reveal();
    return [
      postRequest(question, { grant_type: "refresh_token", refresh_token: token }),
      getRequest(question, { user: "<token>", password: token }),
    ];
  }
  const { user } = credentials;
  const password = credentials.password.reveal();
  return [
    getRequest(question, { user, password }),
    postRequest(question, { grant_type: "password", username: user, password }),
  ];
}

/** Distribution's token specification. */
function getRequest(
  { realm, service, scopes }: TokenQuestion,
  basic: { readonly user: string; readonly password: string } | undefined,
): TokenRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (basic !== undefined) url.searchParams.set("account", basic.user);
  return {
    method: "GET",
    url,
    headers: basic === undefined ? {} : { authorization: formatBasic(basic) },
    body: undefined,
  };
}

/** Distribution's OAuth 2 variant. */
function postRequest({ realm, service, scopes }: TokenQuestion, grant: Readonly<Record<string, string>>): TokenRequest {
  const form = new URLSearchParams({ ...grant, client_id: CLIENT, service: service ?? "", scope: scopes.join(" ") });
  return {
    method: "POST",
    url: realm,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  };
}

/** A token and how long it holds (s). */
export interface Token {
  readonly value: string;
  readonly lifetime: number;
}

const ANSWER = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

/** Characters that a header can carry. */
const USABLE = /^[\x21-\x7e]+$/;

/** The token in a service's answer; undefined where there is none that can be used. */
export function parseToken(text: string): Token | undefined {
  const answer = ANSWER.safeParse(parseJson(text));
  if (!answer.success) return undefined;
  const { token = "", access_token: accessToken = "", expires_in: lifetime = DEFAULT_LIFETIME } = answer.data;
  const value = token === "" ? accessToken : token;
  if (!USABLE.test(value)) return undefined;
  return { value, lifetime: lifetime > 0 ? lifetime : DEFAULT_LIFETIME };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
