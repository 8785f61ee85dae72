import { DAY, HOUR } from "@longshore/base/duration";
import { duration, flag, positiveDuration, text, textList } from "@longshore/options/declare";
import { declareKind, namesOf } from "@longshore/options/kind";
import type { SourceKind } from "../../contract.js";
import { PROVIDER_KINDS } from "./kinds.js";
import { chooseNamed } from "./openid/openid-kind.js";
import { openIdList } from "./openid/openid-options.js";
import type { ChosenProvider } from "./provider.js";

const own = {
  tokenlifetime: positiveDuration("720h", "The lifetime of the personal access token that a login issues.", {
    min: HOUR,
    max: 3650 * DAY,
  }),
  revalidate: positiveDuration(
    "1h",
    "How often the provider is asked, in the background, whether an account is unchanged, while one of its tokens is being used. " +
      "Only with providers that give refresh tokens.",
  ),
  reserved: textList("Accounts that nobody gets by a login, such as those of other sources."),
  registry: text("The registry in the command that people are shown, such as `registry.example:5000`.", {
    fallback: "where the page is",
  }),
  dockerauthpaths: flag(
    false,
    "Logins are at `/google_auth`, `/github_auth`, `/gitlab_auth` and `/oidc_auth`, too, and providers send people back there, so " +
      "that redirect URIs that were registered for docker_auth stay as they are.",
  ),
  grace: duration("24h", "How long tokens stay valid while the provider is unreachable."),
};

const providers = Object.fromEntries(
  Array.from(namesOf(PROVIDER_KINDS), ([name, kind]) => [name, kind.section(name).optional()]),
);

const listed = { providers: openIdList };

const shape: typeof own & typeof listed = { ...own, ...providers, ...listed };

/** People who log in with a browser, or from a terminal by the device flow. */
export const login: SourceKind = declareKind({
  name: "login",
  meaning:
    "People log in at a provider, at `/auth/login` or by the device flow, and get a personal access token for `docker login`. " +
    "Needs `personal` beside it.",
  options: shape,
  info: { untyped: true, unknownKeys: "error" },
  choose(options, context) {
    const single = Object.values<unknown>(options).filter(isProvider);
    const taken = new Set(PROVIDER_KINDS.map(({ name }) => name));
    const several = options.providers.map((provider, index) => {
      const { name } = provider;
      if (taken.has(name)) {
        const message = `found ${JSON.stringify(name)}, which another provider is called; choose another name`;
        const path = ["providers", index, "name"];
        context.addIssue({ code: "custom", path, message, params: { explained: true } });
      }
      taken.add(name);
      return chooseNamed(provider, context, ["providers", index]);
    });
    const chosen = [...single, ...several];
    if (chosen.length === 0) {
      const message = `a provider is needed: ${[...taken].join(", ")}, or a list of providers`;
      context.addIssue({ code: "custom", path: [], message, params: { explained: true } });
    }
    return {
      remarks: chosen.flatMap(({ kind, remarks }) =>
        remarks.map((remark) => ({ ...remark, path: [kind, ...remark.path] })),
      ),
      open: async (ports) => (await import("./login-source.js")).openLoginSource(chosen, options, ports),
    };
  },
});

function isProvider(value: unknown): value is ChosenProvider {
  return typeof value === "object" && value !== null && "kind" in value && "open" in value;
}
