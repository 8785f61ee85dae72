import { key, list, requiredText, secret, section, text, textList, textOr } from "@longshore/options/declare";
import { z } from "zod";

/** A string or a list of strings, as a list. */
const texts = z.union([z.string().transform((one) => [one]), z.array(z.string())]);

/** What every provider is configured with. */
export const clientOptions = {
  clientid: requiredText("The client id that the provider gave this registry."),
  clientsecret: secret("Its secret; none for a public client."),
  clientsecretfile: text("A file with its secret, in place of `clientsecret`, read at the start.", { file: "read" }),
};

/** The options of the provider `openid`. */
export const openIdOptions = {
  issuer: requiredText("The provider's URL; its discovery document has the rest."),
  ...clientOptions,
  title: textOr("single sign-on", "The provider's name on login pages."),
  scopes: textList(
    "The scopes to request, besides `openid`. With `offline_access` most providers issue a refresh token.",
    {
      fallback: "email, profile, offline_access",
    },
  ),
  account: textOr(
    "${email}",
    "The account's name, with claims in `${…}`. `email` counts only if the provider has verified it.",
  ),
  claims: key(z.record(z.string(), z.unknown()).default({}), {
    meaning:
      "Who may log in: what the claims must be, as in the rules of [`oidc`](#tokenserveroidc). Everyone, if there are none.",
    type: "map",
    allowed: "a map of claims to patterns, such as `groups: developers`",
    untyped: true,
    unknownKeys: "allowed",
  }),
  labels: key(z.record(z.string(), texts).default({}), {
    meaning: "Labels of the account, with claims in `${…}`; a list in a claim gives a value for each entry.",
    type: "map",
    allowed: "a map of names to texts or lists of texts",
    untyped: true,
    unknownKeys: "allowed",
  }),
};

/** Parsed {@link openIdOptions}. */
export type OpenIdOptions = z.output<z.ZodObject<typeof openIdOptions>>;

const namedOptions = {
  name: key(z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/), {
    meaning: "What the provider is called in paths: `/auth/login/<name>` and `/auth/login/<name>/callback`.",
    type: "text",
    allowed: "lower-case letters and digits, with - between them",
  }),
  ...openIdOptions,
};

/** Parsed options of one of several providers. */
export type NamedOpenIdOptions = z.output<z.ZodObject<typeof namedOptions>>;

/** Several providers at once. */
export const openIdList = list(
  section(namedOptions, "One provider.", { unknownKeys: "error" }),
  "Several providers of OpenID Connect at once, each under a name of its own, beside those above.",
  { type: "list of maps" },
);

/** The options of the provider `google`. */
export const googleOptions = {
  ...clientOptions,
  domains: list(z.string().min(1), "The organisations whose members may log in, by their domains.", {
    type: "list of strings",
    allowed: "a list of domains",
  }),
  issuer: textOr("https://accounts.google.com", "Where Google is; for tests."),
};
