import { declareKind } from "@longshore/options/kind";
import type { z } from "zod";
import { isTrustworthy } from "../../keys/key-address.js";
import { ClaimRuleError, compileClaims } from "../../machines/claim-rules.js";
import { compileTemplate } from "../../machines/claim-template.js";
import type { ChosenProvider, ProviderKind } from "../provider.js";
import { openIdOptions, type NamedOpenIdOptions, type OpenIdOptions } from "./openid-options.js";
import { revealSecret } from "../client-secret.js";
import type { OpenIdSettings } from "./openid-provider.js";

/** Any provider of OpenID Connect with a discovery document. */
export const openid: ProviderKind = declareKind({
  name: "openid",
  meaning: "Any provider of OpenID Connect: Keycloak, Okta, Entra ID, Dex, GitLab and others.",
  options: openIdOptions,
  info: { untyped: true, unknownKeys: "error" },
  choose: (options, context) => chooseOpenId("openid", options, context, []),
});

/** One of several providers, by its name in paths; problems are reported below `path`. */
export function chooseNamed(
  options: NamedOpenIdOptions,
  context: z.core.$RefinementCtx,
  path: readonly PropertyKey[],
): ChosenProvider {
  const { open } = chooseOpenId(options.name, options, context, path);
  return { kind: options.name, options, remarks: [], verify: () => Promise.resolve([]), open };
}

function chooseOpenId(
  name: string,
  options: OpenIdOptions,
  context: z.core.$RefinementCtx,
  path: readonly PropertyKey[],
): Pick<ChosenProvider, "open"> {
  const scopes = options.scopes.length === 0 ? ["email", "profile", "offline_access"] : options.scopes;
  const attempt = <T>(steps: readonly string[], work: () => T): T | undefined =>
    attemptAt(context, [...path, ...steps], work);
  const settings: Omit<OpenIdSettings, "clientSecret"> = {
    name,
    title: options.title,
    issuer: options.issuer,
    clientId: options.clientid,
    scopes: ["openid", ...scopes.filter((scope) => scope !== "openid")],
    // OpenID Connect Core §11: without it a provider may leave offline_access out.
    parameters: scopes.includes("offline_access") ? { prompt: "consent" } : {},
    conditions: attempt(["claims"], () => compileClaims(options.claims)) ?? [],
    account: attempt(["account"], () => compileTemplate(options.account)) ?? compileTemplate("${email}"),
    labels: new Map(
      Object.entries(options.labels).map(([label, texts]) => [
        label,
        attempt(["labels", label], () => texts.map(compileTemplate)) ?? [],
      ]),
    ),
  };
  refuseUntrustworthy(options.issuer, context, [...path, "issuer"]);
  return {
    async open() {
      const { createOpenIdProvider } = await import("./openid-provider.js");
      return createOpenIdProvider({ ...settings, clientSecret: await revealSecret(name, options) });
    },
  };
}

/** Reports an issuer that could be impersonated by anybody on the way. */
export function refuseUntrustworthy(
  issuer: string,
  context: z.core.$RefinementCtx,
  option: string | readonly PropertyKey[] = "issuer",
): void {
  if (URL.canParse(issuer) && isTrustworthy(new URL(issuer))) return;
  const message = "it must be a URL that begins with https://";
  context.addIssue({
    code: "custom",
    path: typeof option === "string" ? [option] : [...option],
    message,
    params: { explained: true },
  });
}

function attemptAt<T>(context: z.core.$RefinementCtx, path: readonly PropertyKey[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const below = error instanceof ClaimRuleError ? error.path : [];
    const message = error instanceof Error ? error.message : "it can't be read";
    context.addIssue({ code: "custom", path: [...path, ...below], message, params: { explained: true } });
    return undefined;
  }
}
