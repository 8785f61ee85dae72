import { textOr } from "@longshore/options/declare";
import { declareKind } from "@longshore/options/kind";
import { compileTemplate } from "../../machines/claim-template.js";
import { revealSecret } from "../client-secret.js";
import type { ProviderKind } from "../provider.js";
import { refuseUntrustworthy } from "./openid-kind.js";
import { clientOptions } from "./openid-options.js";

/** GitLab, as a provider of OpenID Connect whose accounts are called by their user names. */
export const gitlab: ProviderKind = declareKind({
  name: "gitlab",
  meaning:
    "Accounts of GitLab, called by their user names. Everybody who can log in there is admitted; their groups become the label " +
    "`groups`. The application needs the scopes `openid`, `profile` and `email`.",
  options: {
    ...clientOptions,
    weburi: textOr("https://gitlab.com", "Where people log in; of a GitLab of your own, its address."),
  },
  info: { untyped: true, unknownKeys: "error" },
  choose({ weburi, ...client }, context) {
    const issuer = weburi.replace(/\/$/, "");
    refuseUntrustworthy(issuer, context, "weburi");
    const message = "everybody can have an account at gitlab.com: say by account or group what people may do";
    return {
      remarks: issuer === "https://gitlab.com" ? [{ severity: "warning", path: ["weburi"], message }] : [],
      open: async () =>
        (await import("./openid-provider.js")).createOpenIdProvider({
          name: "gitlab",
          title: "GitLab",
          issuer,
          clientId: client.clientid,
          clientSecret: await revealSecret("gitlab", client),
          scopes: ["openid", "profile", "email"],
          parameters: {},
          conditions: [],
          account: compileTemplate("${nickname}"),
          labels: new Map([["groups", [compileTemplate("${groups}")]]]),
        }),
    };
  },
});
