import { createHash, randomUUID } from "node:crypto";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";
import { describe, expect, onTestFinished, test } from "vitest";
import { createGitHubProvider } from "../../src/oidc/people/github/github-provider.js";
import { github } from "../../src/oidc/people/github/github-kind.js";
import { LoginRefused, type LoginChecks } from "../../src/oidc/people/provider.js";

const CHECKS: LoginChecks = {
  redirectUri: "https://registry.example.com/auth/login/github/callback",
  state: "state",
  nonce: "nonce",
  verifier: "v".repeat(43),
};

/**
 * Stands in for GitHub over a real socket: its endpoints of OAuth 2 and of the API, by its documentation. GitHub itself can't be had
 * here.
 */
interface GitHubStandIn {
  readonly listening: Listening;
  login: string;
  id: number;
  organizations: { login: string; state: string }[];
  teams: { slug: string; organization: string }[];
  /** By access token: false was revoked. */
  readonly tokens: Map<string, boolean>;
  /** What the device flow answers next instead of a token. */
  deviceError: string | undefined;
  /** What every request of the API answers instead. */
  status: number | undefined;
  authorize(url: URL): string;
}

async function startGitHub(): Promise<GitHubStandIn> {
  const codes = new Map<string, { readonly challenge: string; readonly redirectUri: string }>();
  const listening = await serveHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "", listening.url);
      const json = (document: unknown, status = 200): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
      };
      const form = new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
      const issue = (): void => {
        const token = `gho_${randomUUID()}`;
        state.tokens.set(token, true);
        json({ access_token: token, token_type: "bearer", scope: "read:org" });
      };
      if (url.pathname === "/login/oauth/access_token") {
        if (form.get("client_secret") !== "shh") return void json({ error: "incorrect_client_credentials" });
        if (form.has("device_code"))
          return state.deviceError === undefined ? void issue() : void json({ error: state.deviceError });
        const code = codes.get(form.get("code") ?? "");
        codes.delete(form.get("code") ?? "");
        const challenge = createHash("sha256")
          .update(form.get("code_verifier") ?? "")
          .digest("base64url");
        const fits = code?.challenge === challenge && code.redirectUri === form.get("redirect_uri");
        return fits ? void issue() : void json({ error: "bad_verification_code" });
      }
      if (url.pathname === "/login/device/code") {
        return void json({
          device_code: "d",
          user_code: "ABCD-1234",
          verification_uri: `${listening.url}/login/device`,
          expires_in: 900,
          interval: 5,
        });
      }
      if (state.status !== undefined) return void json({}, state.status);
      const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
      if (state.tokens.get(token) !== true) return void json({ message: "Bad credentials" }, 401);
      const page = Number(url.searchParams.get("page"));
      const slice = <T>(all: readonly T[]): readonly T[] => all.slice((page - 1) * 100, page * 100);
      if (url.pathname === "/user") return void json({ id: state.id, login: state.login });
      if (url.pathname === "/user/memberships/orgs") {
        return void json(
          slice(state.organizations).map(({ login, state: of }) => ({ organization: { login }, state: of })),
        );
      }
      if (url.pathname === "/user/teams") {
        return void json(
          slice(state.teams).map(({ slug, organization }) => ({ slug, organization: { login: organization } })),
        );
      }
      return void json({}, 404);
    });
  });
  onTestFinished(() => listening.close());
  const state: GitHubStandIn = {
    listening,
    login: "Ann",
    id: 7,
    organizations: [{ login: "Acme", state: "active" }],
    teams: [
      { slug: "developers", organization: "Acme" },
      { slug: "secret", organization: "Other" },
    ],
    tokens: new Map(),
    deviceError: undefined,
    status: undefined,
    authorize(url) {
      const code = randomUUID();
      codes.set(code, {
        challenge: url.searchParams.get("code_challenge") ?? "",
        redirectUri: url.searchParams.get("redirect_uri") ?? "",
      });
      return code;
    },
  };
  return state;
}

function providerOf({ listening }: GitHubStandIn, memberships: readonly string[] = ["acme"], prefix = "github/") {
  const { url } = listening;
  return createGitHubProvider({ clientId: "c", clientSecret: "shh", memberships, prefix, web: url, api: url });
}

async function logIn(hub: GitHubStandIn, memberships?: readonly string[]) {
  const provider = providerOf(hub, memberships);
  const code = hub.authorize(await provider.authorize(CHECKS));
  return provider.redeem(new URLSearchParams({ code, state: CHECKS.state }), CHECKS);
}

describe("GitHub's preset", () => {
  test("admits members of an organisation, with their teams in it as labels", async () => {
    const hub = await startGitHub();
    expect(await logIn(hub)).toMatchObject({
      identity: {
        account: "github/ann",
        labels: new Map([
          ["organizations", ["acme"]],
          ["teams", ["developers"]],
        ]),
      },
      subject: "7",
    });
  });

  test("admits members of a team alone, where a team is named", async () => {
    const hub = await startGitHub();
    expect(await logIn(hub, ["Acme/Developers"])).toMatchObject({ subject: "7" });
    await expect(logIn(hub, ["acme/admins"])).rejects.toThrow(LoginRefused);
  });

  test("refuses strangers, and those who are only invited", async () => {
    const hub = await startGitHub();
    await expect(logIn(hub, ["other"])).rejects.toThrow("none of the organisations");
    hub.organizations = [{ login: "acme", state: "pending" }];
    hub.teams = [];
    await expect(logIn(hub)).rejects.toThrow("none of the organisations");
    hub.organizations = [{ login: "acme-evil", state: "active" }];
    await expect(logIn(hub)).rejects.toThrow("none of the organisations");
  });

  test("looks at further pages of memberships", async () => {
    const hub = await startGitHub();
    hub.organizations = [
      ...Array.from({ length: 100 }, (_, index) => ({ login: `org-${index}`, state: "active" })),
      { login: "acme", state: "active" },
    ];
    expect(await logIn(hub)).toMatchObject({ subject: "7" });
  });

  test("binds a code to the login that it was asked for", async () => {
    const hub = await startGitHub();
    const provider = providerOf(hub);
    const code = hub.authorize(await provider.authorize(CHECKS));
    const answer = new URLSearchParams({ code, state: CHECKS.state });
    await expect(provider.redeem(answer, { ...CHECKS, verifier: "w".repeat(43) })).rejects.toThrow(LoginRefused);
    // Used up by the attempt.
    await expect(provider.redeem(answer, CHECKS)).rejects.toThrow(LoginRefused);
  });

  test("asks for the account again with its token, until that is revoked", async () => {
    const hub = await startGitHub();
    const { renewal = "" } = await logIn(hub);
    hub.teams = [{ slug: "admins", organization: "Acme" }];
    const provider = providerOf(hub);
    const renewed = await provider.renew(renewal, "7");
    expect(renewed.identity.labels.get("teams")).toEqual(["admins"]);
    hub.status = 502;
    await expect(provider.renew(renewal, "7")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    hub.status = undefined;
    for (const token of hub.tokens.keys()) hub.tokens.set(token, false);
    await expect(provider.renew(renewal, "7")).rejects.toThrow(LoginRefused);
  });

  test("has the device flow", async () => {
    const hub = await startGitHub();
    const provider = providerOf(hub);
    expect(await provider.startDevice()).toMatchObject({ userCode: "ABCD-1234", interval: 5 });
    hub.deviceError = "authorization_pending";
    expect(await provider.pollDevice("d")).toBe("pending");
    hub.deviceError = "slow_down";
    expect(await provider.pollDevice("d")).toBe("slow_down");
    hub.deviceError = "expired_token";
    await expect(provider.pollDevice("d")).rejects.toThrow(LoginRefused);
    hub.deviceError = undefined;
    expect(await provider.pollDevice("d")).toMatchObject({ subject: "7" });
  });

  test("needs an organisation, and addresses with TLS", () => {
    const section = github.section("github");
    expect(section.safeParse({ clientid: "c" }).error?.message).toContain("at least one organisation");
    const plain = section.safeParse({ clientid: "c", organizations: ["acme"], apiuri: "http://api.example.com" });
    expect(plain.error?.message).toContain("https://");
    expect(section.safeParse({ clientid: "c", organizations: ["*"] }).success).toBe(false);
  });
});
