import { calculatePKCECodeChallenge } from "openid-client";
import { z } from "zod";
import { LoginRefused, type LoginProvider, type ProvidedLogin } from "../provider.js";
import { postForm, readAccount } from "./github-api.js";

/** How GitHub was configured. */
export interface GitHubSettings {
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** Organisations and teams, of which one is enough. */
  readonly memberships: readonly string[];
  readonly prefix: string;
  /** Without closing slashes. */
  readonly web: string;
  readonly api: string;
}

const TOKENS = z.union([
  z.object({ error: z.string() }),
  z.object({ access_token: z.string(), refresh_token: z.string().optional() }),
]);

const DEVICE = z.union([
  z.object({ error: z.string() }),
  z.object({
    device_code: z.string(),
    user_code: z.string(),
    verification_uri: z.string(),
    expires_in: z.number(),
    interval: z.number().default(5),
  }),
]);

/** What asks for the account again: an OAuth app's token lasts, a GitHub app's ends and has a refresh token. */
const RENEWAL = z.object({ access: z.string(), refresh: z.string().optional() });

const SCOPE = "read:user read:org";

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** GitHub by its OAuth 2 endpoints. It names no issuer in its answers: each provider here has a path of its own that they come to. */
export function createGitHubProvider(settings: GitHubSettings): LoginProvider {
  const { clientId, clientSecret, memberships, prefix, web, api } = settings;
  const client = { client_id: clientId, client_secret: clientSecret };
  const tokens = (form: Readonly<Record<string, string | undefined>>): Promise<z.output<typeof TOKENS>> =>
    postForm(`${web}/login/oauth/access_token`, { ...client, ...form }, TOKENS);

  async function complete(found: z.output<typeof TOKENS>): Promise<ProvidedLogin> {
    if ("error" in found) throw new LoginRefused("GitHub refuses the login.", { cause: new Error(found.error) });
    const account = await readAccount(api, found.access_token);
    const groups = new Set([...account.organizations, ...account.teams]);
    const admitted = memberships.map((each) => each.toLowerCase());
    if (!admitted.some((each) => groups.has(each))) {
      throw new LoginRefused("Your GitHub account is in none of the organisations or teams that may log in here.");
    }
    const organizations = new Set(admitted.map((each) => each.split("/", 1).join()));
    const ours = account.teams.filter((team) => organizations.has(team.split("/", 1).join()));
    const renewal: z.output<typeof RENEWAL> = { access: found.access_token, refresh: found.refresh_token };
    return {
      identity: {
        account: prefix + account.login.toLowerCase(),
        labels: new Map([
          ["organizations", account.organizations.filter((each) => organizations.has(each))],
          // By slug, as docker_auth has it.
          ["teams", ours.map((team) => team.slice(team.indexOf("/") + 1))],
        ]),
      },
      subject: String(account.id),
      renewal: JSON.stringify(renewal),
    };
  }

  return {
    name: "github",
    title: "GitHub",
    async authorize({ redirectUri, state, verifier }) {
      const url = new URL(`${web}/login/oauth/authorize`);
      url.search = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: SCOPE,
        state,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        allow_signup: "false",
      }).toString();
      return url;
    },
    async redeem(answer, { redirectUri, verifier }) {
      if (answer.has("error")) throw new LoginRefused("The login was cancelled.");
      const code = answer.get("code") ?? "";
      if (code === "") throw new LoginRefused("The answer of GitHub can't be read. Start again.");
      return complete(await tokens({ code, redirect_uri: redirectUri, code_verifier: verifier }));
    },
    async startDevice() {
      const started = await postForm(`${web}/login/device/code`, { client_id: clientId, scope: SCOPE }, DEVICE);
      if ("error" in started)
        throw new LoginRefused("GitHub refuses the device flow: it is enabled in the app's settings.");
      return {
        deviceCode: started.device_code,
        userCode: started.user_code,
        verificationUri: started.verification_uri,
        verificationUriComplete: undefined,
        expiresIn: started.expires_in,
        interval: started.interval,
      };
    },
    async pollDevice(deviceCode) {
      const found = await tokens({ device_code: deviceCode, grant_type: DEVICE_GRANT });
      if ("error" in found && found.error === "authorization_pending") return "pending";
      if ("error" in found && found.error === "slow_down") return "slow_down";
      return complete(found);
    },
    async renew(renewal) {
      const { access, refresh } = RENEWAL.parse(JSON.parse(renewal));
      if (refresh === undefined) return complete({ access_token: access });
      return complete(await tokens({ grant_type: "refresh_token", refresh_token: refresh }));
    },
  };
}
