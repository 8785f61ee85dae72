import { z } from "zod";
import type { Access } from "../src/access-controller.js";
import { bearerToken } from "../src/methods/token/token-header.js";
import { tokenChallenge } from "../src/methods/token/token-challenge.js";
import { AuthError } from "../src/errors.js";
import type { CreateOwnTokens } from "../src/own-tokens.js";

const GRANTED = z.array(z.object({ type: z.string(), name: z.string(), action: z.string() }));

/** Tokens in the open, for tests of the controllers that hand them out and take them. */
export const standInTokens: CreateOwnTokens = ({ service, authenticators, rules }) => {
  const challenge = ({ baseUrl = "" }: { readonly baseUrl?: string | undefined }, accesses: readonly Access[]) =>
    tokenChallenge({ realm: `${baseUrl}/auth/token`, service }, accesses);
  return {
    challenge,
    admit(request, accesses) {
      const token = bearerToken(request.headers["authorization"]);
      if (token === undefined) return undefined;
      const granted = GRANTED.parse(JSON.parse(Buffer.from(token, "base64url").toString()));
      const covers = (access: Access) =>
        granted.some(({ name, action }) => name === access.name && action === access.action);
      if (accesses.every(covers)) return { unrestricted: false };
      throw new AuthError({
        code: "UNAUTHENTICATED",
        challenge: challenge(request, accesses),
        accesses,
        reason: "too little",
        refusal: "insufficient",
      });
    },
    async issue(request) {
      const found = await authenticators[0]?.identify(request);
      const identity = found?.outcome === "identified" ? found.identity : { account: "", labels: new Map() };
      const [type = "", name = "", actions = ""] = (request.query.get("scope") ?? "").split(":");
      const subject = { ...identity, ip: request.remoteAddress, service };
      const granted = rules()
        .granted(subject, { type, name, actions: actions.split(",") })
        .map((action) => ({ type, name, action }));
      const token = Buffer.from(JSON.stringify(granted)).toString("base64url");
      return { account: identity.account, granted, document: { token } };
    },
  };
};
