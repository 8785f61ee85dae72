import { list, textOr, verbatimText } from "@longshore/options/declare";
import { declareKind, refuse } from "@longshore/options/kind";
import { z } from "zod";
import { isTrustworthy } from "../../keys/key-address.js";
import { clientOptions } from "../openid/openid-options.js";
import { revealSecret } from "../client-secret.js";
import type { ProviderKind } from "../provider.js";

/** `acme` or `acme/developers`. */
const MEMBERSHIP = /^[A-Za-z0-9-]+(?:\/[A-Za-z0-9._-]+)?$/;

const options = {
  ...clientOptions,
  organizations: list(
    z.string().regex(MEMBERSHIP),
    "Who may log in: members of these organisations (`acme`), or of these teams (`acme/developers`).",
    { type: "list of strings", allowed: "a list of organisations or teams" },
  ),
  prefix: verbatimText(
    "What stands before the login name in the account's name, so that no GitHub user can have the name of another account.",
    {
      fallback: "github/",
    },
  ),
  weburi: textOr("https://github.com", "Where people log in; of a GitHub Enterprise Server, its address."),
  apiuri: textOr("https://api.github.com", "The API; of a GitHub Enterprise Server, its address with `/api/v3`."),
};

/** GitHub, which has OAuth 2 and an API for people, and no OpenID Connect. */
export const github: ProviderKind = declareKind({
  name: "github",
  meaning: "Accounts of GitHub. Their teams in the organisations become the label `teams`.",
  options,
  info: { untyped: true, unknownKeys: "error" },
  choose({ clientid, organizations, prefix = "github/", weburi, apiuri, ...client }, context) {
    if (organizations.length === 0) {
      refuse(context, "organizations", "at least one organisation is needed: anyone can have a GitHub account");
    }
    for (const [option, url] of Object.entries({ weburi, apiuri })) {
      if (!URL.canParse(url) || !isTrustworthy(new URL(url)))
        refuse(context, option, "it must be a URL that begins with https://");
    }
    return {
      open: async () =>
        (await import("./github-provider.js")).createGitHubProvider({
          clientId: clientid,
          clientSecret: await revealSecret("github", client),
          memberships: organizations,
          prefix,
          web: weburi.replace(/\/$/, ""),
          api: apiuri.replace(/\/$/, ""),
        }),
    };
  },
});
