import { throttleOption } from "@longshore/auth";
import { boundedDuration, flag, section, text, textList, textOr, word } from "@longshore/options/declare";
import { namesOf } from "@longshore/options/kind";
import type { z } from "zod";
import { GENERATED } from "./keys/key-record.js";
import { RULES_KINDS } from "./rules/kinds.js";
import { chainOptions } from "./sources/chain/chain-options.js";
import { SOURCE_KINDS } from "./sources/kinds.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const keys = section(
  {
    certificate: text("PEM file: the certificate of `key`, followed by its issuers'.", {
      file: "read",
      fallback: "none",
    }),
    key: text("PEM file: the private key. A change takes effect without a restart.", {
      file: "read",
      fallback: "generated, and kept on the storage",
    }),
    algorithm: word(GENERATED, "ES256", "The signature algorithm of generated keys."),
    x5c: flag(
      false,
      "Puts the certificates into each token's header: other registries that have them as `rootcertbundle`, of version 2 or 3, " +
        "then find the key. One that has only the key set (`jwks`) refuses such tokens.",
    ),
    keyid: word(
      ["thumbprint", "libtrust"],
      "thumbprint",
      "How a token's header names the key: by its RFC 7638 thumbprint, as `registry:3` does, or as `registry:2` and docker_auth do.",
    ),
  },
  "The keys that tokens are signed with.",
  { untyped: true, unknownKeys: "error" },
).prefault({});

const own = {
  service: textOr("registry", "The name of this registry in challenges, tokens and rules."),
  services: textList('The `service` names of other registries that tokens are issued for; `["*"]`: all.'),
  issuer: text("The value of `iss` in tokens.", { fallback: "the service" }),
  lifetime: boundedDuration(
    "5m",
    { min: MINUTE, max: 24 * HOUR },
    "How long a token is valid. Changes of rights take effect within this time.",
  ),
  refreshlifetime: boundedDuration(
    "2160h",
    { min: HOUR, max: 5 * 365 * 24 * HOUR },
    "How long a refresh token is valid, which clients such as Docker may keep instead of a password.",
  ),
  anonymous: flag(true, "Whether clients without credentials get tokens, for what the rules explicitly grant to them."),
  anonymousrules: flag(
    false,
    "Rules without an account apply to clients without credentials, too, as in docker_auth, even if no rule of the same list " +
      "names them.",
  ),
  sources: textList("Which sources of identities are asked, in this order.", {
    fallback: "all that are configured, in the order of this reference",
  }),
  rules: textList("Which rules are asked, in this order; `access` is the list of that name.", {
    fallback: "`access`, and then all that are configured, in the order of this reference",
  }),
  ...chainOptions,
  keys,
  throttle: throttleOption,
};

/** One optional section for each kind. Their types are the kinds' own, and what was chosen is found by that. */
const chosen = Object.fromEntries(
  [...namesOf(SOURCE_KINDS), ...namesOf(RULES_KINDS)].map(([name, kind]) => [name, kind.section(name).optional()]),
);

const shape: typeof own = { ...own, ...chosen };

/** `tokenserver` in a configuration. */
export const tokenServerSection = section(
  shape,
  "Issues tokens for this registry, at `/auth/token`: one or several identity sources determine who a client is, and `access` " +
    "and other rules what it may do. The registry trusts these tokens without further configuration. Takes the place of `auth`. " +
    "See [the token server](token-server.md).",
  { untyped: true, unknownKeys: "error", ours: true },
).optional();

/** Parsed {@link tokenServerSection}; times in milliseconds. What was chosen by kind stands beside these options. */
export type TokenServerOptions = z.output<z.ZodObject<typeof own>>;
