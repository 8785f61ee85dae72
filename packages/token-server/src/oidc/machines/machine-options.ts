import { isSigningAlgorithm, SIGNING_ALGORITHMS, type SigningAlgorithm } from "@longshore/auth";
import { duration, flag, key, list, requiredText, section, text, textOr } from "@longshore/options/declare";
import { z } from "zod";

/** A string or a list of strings, as a list. */
const texts = z.union([z.string().transform((one) => [one]), z.array(z.string())]);

const algorithm = z.string().transform((name, context): SigningAlgorithm => {
  if (isSigningAlgorithm(name)) return name;
  const message = `${JSON.stringify(name)} is not accepted; known are ${SIGNING_ALGORITHMS.join(", ")}`;
  context.addIssue({ code: "custom", message, params: { explained: true } });
  return z.NEVER;
});

const claimMap = z.record(z.string(), z.unknown());

/** One of an issuer's `rules`. */
const rule = section(
  {
    claims: key(claimMap, {
      meaning:
        "What the token's claims must be; all must match: a pattern, or a list of patterns of which one must match; nested maps " +
        "for nested claims. `*` and `?` stop at `/` and `:`; `**` crosses them.",
      type: "map",
      allowed: "a map of claims to patterns, such as `sub: repo:acme/*:ref:refs/heads/main`",
      untyped: true,
      unknownKeys: "allowed",
    }),
    account: textOr(
      "${sub}",
      "The account's name, with claims in `${…}`. Add a prefix to claims that people choose, so that no one can take another account's name.",
    ),
    labels: key(z.record(z.string(), texts).default({}), {
      meaning:
        "Labels of the account, each a string or a list of strings with claims in `${…}`; a list in a claim gives a value for each entry.",
      type: "map",
      allowed: "a map of names to texts or lists of texts",
      untyped: true,
      unknownKeys: "allowed",
    }),
  },
  "One rule: the first that a token meets decides which account it is.",
  { unknownKeys: "error" },
);

const issuer = section(
  {
    issuer: requiredText("The issuer's URL, exactly as in the `iss` of its tokens."),
    audience: key(
      texts.refine((names) => names.length > 0 && names.every((name) => name !== "")),
      {
        meaning:
          "What `aud` must be: a name used only for this registry's tokens, such as its URL. A string, or a list of which one must match.",
        type: "string or list of strings",
        allowed: "a string or a list of strings",
      },
    ),
    sharedaudience: flag(
      false,
      "Accepts tokens that are also meant for other services, or that have the issuer's default audience. Each of those services could then use them here.",
    ),
    jwks: text("The issuer's JWK set, a file or a URL, if it has no discovery document.", {
      file: "read",
      fallback: "what discovery says",
    }),
    ca: text("PEM file: the authorities of the issuer's TLS certificate, in place of the system's.", { file: "read" }),
    bearertokenfile: text(
      "A file with a bearer token for the issuer's endpoints, such as a service account's for the API server of Kubernetes.",
      { file: "read" },
    ),
    algorithms: key(z.array(algorithm).optional(), {
      meaning: "Algorithms that tokens may be signed with. HMAC (`HS…`) is never accepted.",
      type: "list of strings",
      allowed: `a list of ${SIGNING_ALGORITHMS.join(", ")}`,
      fallback: "all of them",
    }),
    leeway: duration("60s", "How far the clocks of issuer and registry may differ.", { max: 600_000 }),
    rules: list(rule, "Which tokens are accepted, and which account each belongs to.", { type: "list of maps" }),
  },
  "One issuer.",
  { unknownKeys: "error" },
);

/** The options of the kind `oidc`. */
export const machineOptions = {
  issuers: list(issuer, "The issuers whose ID tokens are accepted. Keys are never fetched from any other address.", {
    type: "list of maps",
  }),
};

/** {@link machineOptions} as parsed. */
type MachineOptions = z.output<z.ZodObject<typeof machineOptions>>;
export type IssuerOptions = MachineOptions["issuers"][number];
export type RuleOptions = IssuerOptions["rules"][number];
