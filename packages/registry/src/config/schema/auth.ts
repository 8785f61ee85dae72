import { z } from "zod";
import { choice, duration, flag, integer, key, optionalInteger, requiredText, section, text } from "./kit.js";

const STRICT = { untyped: true, unknownKeys: "error" } as const;

const none = section({}, "Everybody may do everything.", STRICT).nullish();

const silly = section(
  {
    realm: requiredText("The realm of the challenge."),
    service: requiredText("The service of the challenge."),
  },
  "For tests of clients only: any `Authorization` header passes.",
  STRICT,
).optional();

const throttle = section(
  {
    disabled: flag(false, "Lets everybody try as many passwords as they like."),
    attempts: integer(
      10,
      { min: 1, max: 10_000 },
      "Failures in a row before an address, or a user at one, has to wait.",
    ),
    delay: duration("1s", "The first wait; each further failure doubles it.", { min: 100 }),
    maxdelay: duration("5m", "The longest wait.", { min: 100 }),
  },
  "Slows those who guess passwords: they are answered with 429 and `Retry-After`.",
  { ...STRICT, ours: true },
).prefault({});

const htpasswd = section(
  {
    realm: requiredText("The realm of the challenge: what clients show when they ask for a password."),
    path: requiredText(
      "The file: lines `user:bcrypt-hash`, as `htpasswd -B` writes them. Where it is missing it is made, with a " +
        "generated password that the log shows once. Changes are seen without a restart.",
    ),
    service: text("The `service` of tokens, where rules let anonymous users in; rules may ask for it.", {
      fallback: "the realm",
      ours: true,
    }),
    cachettl: duration("5m", "How long a verified password is remembered; 0: not at all.", {}, { ours: true }),
    workers: optionalInteger({ min: 1, max: 64 }, "Threads that verify passwords, in each process.", {
      fallback: "what the cores allow",
      ours: true,
    }),
    throttle,
  },
  "User names and bcrypt hashes in a file.",
  STRICT,
).optional();

const token = section(
  {
    realm: requiredText("The URL of the authorization server, to which clients are sent."),
    issuer: requiredText("What a token's `iss` must be."),
    service: requiredText("The name of this registry: a token's `aud` must have it."),
    rootcertbundle: text("PEM file: certificates that sign tokens, or that signed such certificates."),
    jwks: text("JWK set whose keys sign tokens: a file, or (not in the original) an `http://` or `https://` URL."),
    signingalgorithms: key(z.array(z.string()).optional(), {
      meaning: "Algorithms that tokens may be signed with. HMAC (`HS…`) is never taken.",
      type: "list of texts",
      allowed: "a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA",
      fallback: "all of them",
    }),
    autoredirect: flag(false, "Sends clients to `autoredirectpath` on the host that they asked, instead of `realm`."),
    autoredirectpath: text("The path of `autoredirect`.", { fallback: "/auth/token" }),
  },
  "Tokens of an authorization server.",
  STRICT,
).optional();

const mtls = section(
  {
    account: choice(
      ["cn", "email", "dns", "uri"],
      "cn",
      "What of a client's certificate is its account: the subject's common name, or the first alternative name of a kind.",
    ),
  },
  "Client certificates as identities. Needs `http.tls.clientcas`; may stand beside `htpasswd`.",
  { ...STRICT, ours: true },
).nullish();

export const auth = section(
  { none, silly, htpasswd, token, mtls },
  "Who may use the registry: one of these (`mtls` also beside `htpasswd`), or nothing at all for everybody. An unknown key " +
    "stops the start. See [authentication](authentication.md).",
  STRICT,
).optional();

/** Those of the original stand alone; `mtls` may join `htpasswd`. */
export const CONTROLLERS = ["none", "silly", "htpasswd", "token", "mtls"] as const;
