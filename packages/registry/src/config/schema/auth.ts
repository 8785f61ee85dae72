import { z } from "zod";
import { key, type Later, requiredText, section, untypedMap } from "./kit.js";

function later(name: string): Later {
  return {
    when: "present",
    what: `auth.${name}`,
    instead: "it does not start rather than run without authentication; stay with the original until it is here",
  };
}

function laterController(name: string, parameters: readonly string[], meaning: string) {
  const shape = Object.fromEntries(
    parameters.map((parameter) => [parameter, key(z.unknown(), { meaning: "", type: "any", allowed: "" })]),
  );
  return section(shape, meaning, { untyped: true, unknownKeys: "allowed", later: later(name) }).nullish();
}

export const auth = section(
  {
    none: section({}, "Everybody may do everything.", { untyped: true, unknownKeys: "error" }).nullish(),
    silly: section(
      {
        realm: requiredText("The realm of the challenge."),
        service: requiredText("The service of the challenge."),
      },
      "For tests of clients only: any `Authorization` header passes.",
      { untyped: true, unknownKeys: "error" },
    ).optional(),
    htpasswd: laterController("htpasswd", ["realm", "path"], "User names and bcrypt hashes in a file."),
    token: laterController(
      "token",
      ["realm", "issuer", "service", "rootcertbundle", "jwks", "signingalgorithms", "autoredirect", "autoredirectpath"],
      "Tokens of an authorization server.",
    ),
  },
  "Who may use the registry: one of these, or nothing at all for everybody. An unknown key stops the start.",
  { untyped: true, unknownKeys: "error" },
).optional();

export const access = untypedMap("Who may do what to which repository.", {
  ours: true,
  unknownKeys: "allowed",
  later: {
    when: "set",
    what: "access rules",
    instead: "it does not start rather than run without them; remove the section if everybody may do everything",
  },
});

export const CONTROLLERS = ["none", "silly", "htpasswd", "token"] as const;
