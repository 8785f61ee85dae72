import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pushImage } from "@longshore/testkit/fixtures";
import { startGitHub } from "@longshore/testkit/github";
import { createHttpClient } from "@longshore/testkit/http-client";
import { freePort } from "@longshore/testkit/loopback";
import { CLIENT, startPeopleProvider } from "@longshore/testkit/people-provider";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { basic } from "../auth/support.js";
import { useResources } from "../clients/site.js";
import { useConsole } from "./site.js";

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";
const KEPT = "document.cookie + location.href + JSON.stringify({ ...localStorage, ...sessionStorage })";

async function pushAsAlice({ url }: { readonly url: string }): Promise<void> {
  const alice = createHttpClient(url, { headers: { authorization: basic("alice", "secret") } });
  for (const name of ["team/app", "other/app"]) await pushImage(alice, name, "1");
  alice.close();
}

const github = await startGitHub();

describePeers("logins at a provider, and with a token for a password", ["chromium"], () => {
  useResources()({ [Symbol.asyncDispose]: () => github.listening.close() });
  const { url: weburi } = github.listening;
  const site = useConsole(pushAsAlice, {
    config: {
      http: { secret: "a secret" },
      access: [
        { name: "alice", type: "registry", action: ["*"] },
        { match: { account: "alice", type: "registry", name: "tokens" }, actions: ["*"] },
        { match: { labels: { teams: "developers" }, name: "team/*" }, actions: ["pull"] },
        { match: { account: "robot/*", name: "other/*" }, actions: ["pull"] },
      ],
      tokenserver: {
        service: "registry",
        local: { users: { alice: { password: HASH } } },
        personal: {},
        login: {
          github: { clientid: "c", clientsecret: "shh", organizations: ["acme"], weburi, apiuri: weburi },
        },
      },
    },
  });

  it("come back with a session and nothing else, and see what the groups there may pull", async () => {
    await using visit = await site().open("#/login");
    const { page } = visit;
    await visit.expectAccessible();
    await page.getByRole("link", { name: "GitHub" }).click();
    await page.getByRole("button", { name: "Log out" }).waitFor();
    await page.getByRole("link", { name: "team/app" }).waitFor();
    expect(await page.locator("main").innerText()).not.toContain("other/app");
    expect(await page.evaluate(KEPT)).toBe(`${site().url}{}`);
    await page.getByRole("button", { name: "Log out" }).click();
    await expect.poll(() => page.getByRole("button", { name: "Log out" }).count()).toBe(0);
    await page.goto(`${site().url}#/login`);
    await page.reload();
    await page.getByRole("link", { name: "GitHub" }).waitFor();
    expect(await page.getByRole("button", { name: "Log out" }).count()).toBe(0);
  });

  it("leave no page empty while it isn't known who looks", async () => {
    await using visit = await site().open("#/login");
    const { page } = visit;
    // It never answers.
    await page.route("**/_console/session", () => undefined);
    await page.reload({ waitUntil: "commit" });
    await page.locator(".skeletons").waitFor();
  });

  it("take a robot's token in place of a password", async () => {
    const alice = createHttpClient(site().registry.url, { headers: { authorization: basic("alice", "secret") } });
    const made = await alice.ask({
      method: "POST",
      path: "/auth/tokens",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ robot: "ci", name: "nightly" }),
    });
    alice.close();
    const { token = "" } = made.json() as { readonly token?: string };
    await using visit = await site().open("#/r/other/app");
    const { page } = visit;
    await page.getByLabel("Account").fill("robot/ci");
    await page.getByLabel("Password").fill(token);
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["1"]);
    expect(await page.evaluate(KEPT)).toBe(`${site().url}#/r/other/app{}`);
  });
});

const address = `127.0.0.1:${await freePort()}`;
const provider = await startPeopleProvider([`http://${address}/auth/login/openid/callback`]);
const ANN = { sub: "ann-1", email: "ann@example.com", email_verified: true, groups: ["developers"] };

describePeers("logins at a provider of OpenID Connect", ["chromium"], () => {
  useResources()(provider);
  const site = useConsole(pushAsAlice, {
    config: {
      http: { addr: address, secret: "a secret" },
      access: [
        { name: "alice", type: "registry", action: ["*"] },
        { name: "alice", type: "repository", repository: "*", action: ["*"] },
        { match: { labels: { groups: "developers" }, name: "team/*" }, actions: ["pull"] },
      ],
      tokenserver: {
        service: "registry",
        local: { users: { alice: { password: HASH } } },
        personal: {},
        login: {
          openid: {
            title: "Example Inc.",
            issuer: provider.url,
            clientid: CLIENT.id,
            clientsecret: CLIENT.secret,
            labels: { groups: "${groups}" },
          },
        },
      },
    },
  });

  it("come back with a session and nothing else, and see what the claims there allow to be pulled", async () => {
    provider.people.set(ANN.sub, ANN);
    provider.next = ANN;
    await using visit = await site().open("#/login");
    const { page } = visit;
    await visit.expectAccessible();
    await page.getByRole("link", { name: "Example Inc." }).click();
    await page.getByRole("button", { name: "Log out" }).waitFor();
    await page.getByRole("link", { name: "team/app" }).waitFor();
    expect(await page.locator("main").innerText()).not.toContain("other/app");
    expect(await page.evaluate(KEPT)).toBe(`${site().url}{}`);
  });

  it("are refused in words if the provider lets nobody in", async () => {
    provider.next = undefined;
    await using visit = await site().open("#/login");
    const { page } = visit;
    await page.getByRole("link", { name: "Example Inc." }).click();
    await expect.poll(() => page.locator("body").innerText()).toContain("cancelled");
    await page.goto(`${site().url}#/login`);
    await page.getByLabel("Account").waitFor();
    expect(await page.getByRole("button", { name: "Log out" }).count()).toBe(0);
  });
});

const folder = await makeTemporaryFolder("console-realm");
const jwks = join(folder.path, "jwks.json");
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
await writeFile(jwks, JSON.stringify({ keys: [{ ...key, kid: "one", use: "sig", alg: "ES256" }] }));

describePeers("a registry whose tokens another server issues", ["chromium"], () => {
  useResources()(folder);
  const realm = "https://tokens.example/token";
  const site = useConsole(() => Promise.resolve(), {
    config: { auth: { token: { realm, service: "registry", issuer: "tokens", jwks } } },
  });

  it("says which, and what to do, without asking it", async () => {
    await using visit = await site().open("");
    const { page } = visit;
    await expect.poll(() => page.locator("main").innerText()).toContain(realm);
    expect(await page.locator("main").innerText()).toContain("docker login");
    expect(await page.getByLabel("Password").count()).toBe(0);
    await visit.expectAccessible();
    visit.expectQuiet();
  });
});
