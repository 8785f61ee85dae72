import { flag, key, requiredText, text } from "@longshore/options/declare";
import { refuse, type Remark } from "@longshore/options/kind";
import { z } from "zod";
import {
  HMAC_ALGORITHMS,
  isSigningAlgorithm,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
} from "../../keys/algorithms.js";

const algorithm = z.string().transform((name, context): SigningAlgorithm => {
  if (isSigningAlgorithm(name)) return name;
  const known = SIGNING_ALGORITHMS.join(", ");
  const message = HMAC_ALGORITHMS.includes(name)
    ? `${name} is not supported: everyone who can verify such a token can also sign one; use one of ${known}`
    : name.toLowerCase() === "none"
      ? `"${name}" would let anyone in; use one of ${known}`
      : `unknown algorithm ${JSON.stringify(name)}; use one of ${known}`;
  context.addIssue({ code: "custom", message, params: { explained: true } });
  return z.NEVER;
});

/** `auth.token` (wire contract §4.4). */
export const tokenOptions = {
  realm: requiredText("The URL of the authorization server, to which clients are sent."),
  issuer: requiredText("The issuer: a token's `iss` must be this."),
  service: requiredText("The name of this registry: a token's `aud` must include it."),
  rootcertbundle: text("PEM file: certificates that sign tokens, or that signed such certificates.", { file: "read" }),
  jwks: text("JWK set whose keys sign tokens: a file, or (not in Distribution) an `http://` or `https://` URL.", {
    file: "read",
  }),
  signingalgorithms: key(z.array(algorithm).optional(), {
    meaning: "Algorithms that tokens may be signed with. HMAC (`HS…`) is never accepted.",
    type: "list of strings",
    allowed: "a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA",
    fallback: "all of them",
  }),
  autoredirect: flag(false, "Sends clients to `autoredirectpath` on the host that they called, instead of `realm`."),
  autoredirectpath: text("The path of `autoredirect`.", { fallback: "/auth/token" }),
};

/** {@link tokenOptions} as parsed. */
type DeclaredOptions = z.output<z.ZodObject<typeof tokenOptions>>;

/** Options of the token controller, with their defaults. */
export interface TokenOptions extends DeclaredOptions {
  readonly signingalgorithms: SigningAlgorithm[];
  readonly autoredirectpath: string;
}

/** Fills in the defaults, and refuses options that don't work together. An empty text is the same as none. */
export function completeOptions(declared: DeclaredOptions, context: z.core.$RefinementCtx): TokenOptions {
  const { signingalgorithms = [] } = declared;
  const [rootcertbundle, jwks] = [given(declared.rootcertbundle), given(declared.jwks)];
  const autoredirectpath = given(declared.autoredirectpath) ?? "/auth/token";
  if (rootcertbundle === undefined && jwks === undefined) {
    const message = "token auth requires at least one token signing key: set rootcertbundle or jwks";
    refuse(context, "rootcertbundle", message);
  }
  if (jwks !== undefined) {
    if (isUrl(jwks) && !URL.canParse(jwks)) refuse(context, "jwks", "it is not a URL");
    if (!isUrl(jwks) && /^[a-z][a-z0-9+.-]+:\/\//i.test(jwks)) refuse(context, "jwks", "only http and https URLs");
  }
  if (!autoredirectpath.startsWith("/")) refuse(context, "autoredirectpath", "it must start with a slash");
  return {
    ...declared,
    rootcertbundle,
    jwks,
    autoredirectpath,
    signingalgorithms: signingalgorithms.length === 0 ? [...SIGNING_ALGORITHMS] : signingalgorithms,
  };
}

/** Whether the JWK set is at a URL instead of in a file. */
export function isUrl(jwks: string): boolean {
  return /^https?:/i.test(jwks);
}

const LONGEST_SHOWN = 60;

/** Warns about a realm without a scheme, which is only harmless if it isn't used. */
export function remarksOn({ realm, autoredirect }: DeclaredOptions): readonly Remark[] {
  if (autoredirect || /^https?:\/\//i.test(realm)) return [];
  const shown = JSON.stringify(realm.length > LONGEST_SHOWN ? `${realm.slice(0, LONGEST_SHOWN - 1)}…` : realm);
  const message = `found ${shown}, which has no scheme, so no client finds the authorization server; write it as https://auth.example/token`;
  return [{ severity: "warning", path: ["realm"], message }];
}

function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
