import { declareKind, refuse } from "@longshore/options/kind";
import { compileClaims } from "../../machines/claim-rules.js";
import { compileTemplate } from "../../machines/claim-template.js";
import { revealSecret } from "../client-secret.js";
import type { ProviderKind } from "../provider.js";
import { refuseUntrustworthy } from "./openid-kind.js";
import { googleOptions } from "./openid-options.js";

/** A domain as a pattern that means only itself. */
function literal(domain: string): string {
  return domain.replace(/[\\*?]/g, "\\$&");
}

/** Accounts of Google Workspace, whose organisation is the claim `hd`: the domain of an address alone proves none. */
export const google: ProviderKind = declareKind({
  name: "google",
  meaning: "Accounts of Google Workspace organisations. An account is called by its email address.",
  options: googleOptions,
  info: { untyped: true, unknownKeys: "error" },
  choose({ clientid, domains, issuer, ...client }, context) {
    if (domains.length === 0)
      refuse(context, "domains", "at least one domain is needed: anyone can have a Google account");
    refuseUntrustworthy(issuer, context);
    return {
      open: async () =>
        (await import("./openid-provider.js")).createOpenIdProvider({
          name: "google",
          title: "Google",
          issuer,
          clientId: clientid,
          clientSecret: await revealSecret("google", client),
          scopes: ["openid", "email", "profile"],
          // Google gives a refresh token for these and not for a scope.
          parameters: {
            access_type: "offline",
            prompt: "consent",
            ...(domains.length === 1 ? { hd: domains.join() } : {}),
          },
          conditions: compileClaims({ hd: domains.map(literal), email_verified: true }),
          account: compileTemplate("${email}"),
          labels: new Map([["domain", [compileTemplate("${hd}")]]]),
        }),
    };
  },
});
