import { z } from "zod";
import {
  HMAC_ALGORITHMS,
  isSigningAlgorithm,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
} from "../../keys/algorithms.js";
import { parseOptions } from "../../options.js";

const text = z.string().min(1);

const algorithm = z.string().transform((name, context): SigningAlgorithm => {
  if (isSigningAlgorithm(name)) return name;
  const known = SIGNING_ALGORITHMS.join(", ");
  const message = HMAC_ALGORITHMS.includes(name)
    ? `${name} is not supported: whoever can verify it can also sign; use one of ${known}`
    : name.toLowerCase() === "none"
      ? `"${name}" would let anybody in; use one of ${known}`
      : `unknown algorithm ${JSON.stringify(name)}; known are ${known}`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const options = z
  .strictObject({
    realm: text,
    service: text,
    issuer: text,
    rootcertbundle: text.nullish().transform((path) => path ?? undefined),
    jwks: text
      .refine((place) => !/^https?:/i.test(place) || URL.canParse(place), "it is not a URL")
      .refine((place) => !/^[a-z][a-z0-9+.-]+:\/\//i.test(place) || /^https?:/i.test(place), "only http and https URLs")
      .nullish()
      .transform((place) => place ?? undefined),
    signingalgorithms: z
      .array(algorithm)
      .nullish()
      .transform((list) => (list === null || list === undefined || list.length === 0 ? SIGNING_ALGORITHMS : list)),
    autoredirect: z.boolean().default(false),
    autoredirectpath: text.startsWith("/", "it must start with a slash").default("/auth/token"),
  })
  .refine(({ rootcertbundle, jwks }) => rootcertbundle !== undefined || jwks !== undefined, {
    path: ["rootcertbundle"],
    message: "token auth requires at least one token signing key: set rootcertbundle or jwks",
  });

/** `auth.token` (contract §4.4). */
export interface TokenOptions {
  /** Where the challenge sends clients. */
  readonly realm: string;
  /** The audience that tokens must name. */
  readonly service: string;
  readonly issuer: string;
  /** A PEM file: its certificates are trust roots and signing keys. */
  readonly rootcertbundle?: string | undefined;
  /** A JWK set: a file's path or an http(s) URL. */
  readonly jwks?: string | undefined;
  readonly signingalgorithms: readonly SigningAlgorithm[];
  /** Whether the realm is this registry's own host with `autoredirectpath`. */
  readonly autoredirect: boolean;
  readonly autoredirectpath: string;
}

/** The options in `input`. Throws AuthError INVALID_OPTIONS. */
export function parseTokenOptions(input: unknown): TokenOptions {
  return parseOptions(options, "token", input);
}
