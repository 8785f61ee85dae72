import { z } from "zod";
import type { Access, Grant, GrantedResource } from "../../contract.js";
import { invalidToken, TokenRefused } from "./refusal.js";

/** How far the clocks of issuer and registry may differ, in milliseconds (contract §4.4). */
const LEEWAY = 60_000;

/** What tokens must say to be ours. */
export interface ExpectedClaims {
  readonly issuer: string;
  readonly service: string;
}

/** A token whose signature and claims hold. */
export interface VerifiedToken {
  /** Who it is for; empty where it doesn't say. */
  readonly account: string;
  /** Milliseconds since 1970 after which it no longer holds. */
  readonly validUntil: number;
  readonly grant: Grant;
  /** Whether it grants `access`. */
  covers(access: Access): boolean;
  /** All claims, of the types that the schema demands. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** As Go decodes into integers, strings and lists: null is the same as absent. */
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
 * The claims of a payload whose signature is verified, checked at `now` (milliseconds since 1970). Throws TokenRefused:
 * claims of wrong types without an `error`, as the original does (contract §4.4).
 */
export function verifyClaims(payload: Uint8Array, expected: ExpectedClaims, now: number): VerifiedToken {
  const parsed = CLAIMS.safeParse(parseJson(payload));
  if (!parsed.success) throw new TokenRefused("the token's claims have the wrong types", undefined);
  const { iss, sub, aud, exp, nbf, access } = parsed.data;
  if (iss !== expected.issuer) throw invalidToken("the token is from another issuer");
  if (!aud.includes(expected.service)) throw invalidToken("the token is for another service");
  if (now < nbf * 1000 - LEEWAY) throw invalidToken("the token is not valid yet");
  const validUntil = exp * 1000 + LEEWAY;
  if (now > validUntil) throw invalidToken("the token has expired");
  return {
    account: sub,
    validUntil,
    grant: { ...(sub === "" ? {} : { account: sub }), unrestricted: false, resources: resourcesOf(access) },
    covers: coverage(access),
    claims: parsed.data,
  };
}

/** Each resource with its class once: what the policy of classes asks for (contract §11.2). */
function resourcesOf(access: ClaimedAccess): readonly GrantedResource[] {
  const found = new Map<string, GrantedResource>();
  for (const { type, class: resourceClass, name } of access) {
    found.set(JSON.stringify([type, resourceClass, name]), { type, class: resourceClass, name });
  }
  return [...found.values()];
}

/** Type and name match as they are, without wildcards or classes; the action `*` is all of them (contract §4.4). */
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
