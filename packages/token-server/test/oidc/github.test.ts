import { startGitHub as start, type GitHubStandIn } from "@longshore/testkit/github";
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

async function startGitHub(): Promise<GitHubStandIn> {
  const hub = await start();
  onTestFinished(() => hub.listening.close());
  return hub;
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
