import { z } from "zod";
import type { Access, Grant, GrantedResource } from "../../access-controller.js";
import { shown, shownList, shownTime, TokenRefused, unexpected } from "./token-refusal.js";

/** How far the clocks of issuer and registry may differ, in milliseconds (wire contract §4.4). */
const LEEWAY = 60_000;

/** The claims that a token must have for this registry. */
export interface ExpectedClaims {
  readonly issuer: string;
  readonly service: string;
}

/** A token whose signature and claims have been verified. */
export interface VerifiedToken {
  /** The account that it is for; empty if it names none. */
  readonly account: string;
  /** When it expires, in milliseconds since 1970, leeway included. */
  readonly validUntil: number;
  readonly grant: Grant;
  /** Whether it grants `access`. */
  covers(access: Access): boolean;
  /** All claims, with the types that the schema requires. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The id of the personal access token that a token was issued for. */
export const TOKEN_CLAIM = "personal_token";

/** As Go decodes integers, strings and lists: null is the same as absent. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const integer = z
  .int()
  .nullish()
  .transform((value) => value ?? 0);

const CLAIMS = z.looseObject({
  iss: text,
  sub: text,
  aud: z
    .union([z.string().transform((name) => [name]), z.array(z.string())])
    .nullish()
    .transform((names) => names ?? []),
  exp: integer,
  nbf: integer,
  iat: integer,
  jti: text,
  [TOKEN_CLAIM]: text,
  access: z
    .array(
      z.object({
        type: text,
        class: text,
        name: text,
        actions: z
          .array(z.string())
          .nullish()
          .transform((actions) => actions ?? []),
      }),
    )
    .nullish()
    .transform((entries) => entries ?? []),
});

type ClaimedAccess = z.infer<typeof CLAIMS>["access"];

/**
 * Checks the claims of a payload whose signature has been verified, at `now` (milliseconds since 1970). Throws TokenRefused;
 * for claims of the wrong types without an `error`, as Distribution does (wire contract §4.4).
 */
export function verifyClaims(payload: Uint8Array, expected: ExpectedClaims, now: number): VerifiedToken {
  const parsed = CLAIMS.safeParse(parseJson(payload));
  if (!parsed.success) throw new TokenRefused("the token's claims have the wrong types", undefined);
  const { iss, sub, aud, exp, nbf, access } = parsed.data;
  if (iss !== expected.issuer) {
    const details = { "token.issuer": shown(iss), "token.issuer.expected": shown(expected.issuer) };
    throw unexpected("the token is from another issuer", details);
  }
  if (!aud.includes(expected.service)) {
    const details = { "token.audience": shownList(aud), "token.audience.expected": shown(expected.service) };
    throw unexpected("the token is for another service", details);
  }
  const times = {
    "token.notbefore": shownTime(nbf * 1000),
    "token.expires": shownTime(exp * 1000),
    "token.now": shownTime(now),
  };
  if (now < nbf * 1000 - LEEWAY) throw unexpected("the token is not valid yet", times);
  const validUntil = exp * 1000 + LEEWAY;
  if (now > validUntil) throw unexpected("the token has expired", times);
  const personal = parsed.data[TOKEN_CLAIM];
  return {
    account: sub,
    validUntil,
    grant: {
      ...(sub === "" ? {} : { account: sub }),
      ...(personal === "" ? {} : { token: personal }),
      unrestricted: false,
      resources: resourcesOf(access),
    },
    covers: coverage(access),
    claims: parsed.data,
  };
}

/** Each combination of resource and class once, for the policy on repository classes (wire contract §11.2). */
function resourcesOf(access: ClaimedAccess): readonly GrantedResource[] {
  const found = new Map<string, GrantedResource>();
  for (const { type, class: resourceClass, name } of access) {
    found.set(JSON.stringify([type, resourceClass, name]), { type, class: resourceClass, name });
  }
  return [...found.values()];
}

/** Type and name are compared literally, without wildcards or classes; `*` grants all actions (wire contract §4.4). */
function coverage(access: ClaimedAccess): (access: Access) => boolean {
  const actions = new Map<string, Set<string>>();
  const keyOf = (type: string, name: string): string => JSON.stringify([type, name]);
  for (const entry of access) {
    const key = keyOf(entry.type, entry.name);
    const known = actions.get(key) ?? new Set();
    for (const action of entry.actions) known.add(action);
    actions.set(key, known);
  }
  return ({ type, name, action }) => {
    const granted = actions.get(keyOf(type, name));
    return granted !== undefined && (granted.has(action) || granted.has("*"));
  };
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw new TokenRefused("the token's claims are not JSON", undefined);
  }
}
