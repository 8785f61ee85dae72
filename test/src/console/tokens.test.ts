import { createHttpClient } from "@longshore/testkit/http-client";
import { pushImage } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { basic } from "../auth/support.js";
import type { Visit } from "./browser.js";
import { useConsole } from "./site.js";

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";
const TOKEN = /^lspat_[0-9A-Za-z]{36}$/;
const KEPT =
  "document.cookie + location.href + JSON.stringify({ ...localStorage, ...sessionStorage, ...history.state })";

async function logIn({ page }: Visit, account: string, password = "secret"): Promise<void> {
  await page.getByLabel("Account").fill(account);
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

/** Makes a token in the dialogue that is open, and returns its text. */
async function make(page: Page, name: string): Promise<string> {
  await page.getByLabel("What it is for").fill(name);
  await page.getByRole("button", { name: "Make the token" }).click();
  const text = page.getByRole("dialog").locator("pre").first();
  await expect.poll(() => text.innerText()).toMatch(TOKEN);
  return text.innerText();
}

describePeers("tokens in the console", ["chromium"], () => {
  const site = useConsole(
    async ({ url }) => {
      const alice = createHttpClient(url, { headers: { authorization: basic("alice", "secret") } });
      await pushImage(alice, "team/app", "1");
      await pushImage(alice, "team/other", "1");
      alice.close();
    },
    {
      config: {
        http: { secret: "a secret" },
        access: [
          { name: "alice", type: "registry", action: ["*"] },
          { match: { account: "alice", type: "registry", name: "tokens" }, actions: ["*"] },
          { match: { account: "bob", name: "team/*" }, actions: ["pull", "push"] },
          { match: { account: "robot/*", name: "team/*" }, actions: ["pull"] },
        ],
        tokenserver: {
          service: "registry",
          local: { users: { alice: { password: HASH }, bob: { password: HASH } } },
          personal: {},
        },
      },
    },
  );

  const statusOf = async (name: string, account: string, password: string): Promise<number> => {
    const client = createHttpClient(site().registry.url, { headers: { authorization: basic(account, password) } });
    const { status } = await client.ask({ path: `/v2/${name}/manifests/1`, headers: { accept: "*/*" } });
    client.close();
    return status;
  };

  it("are made, shown once, used and revoked by those whom they stand for", async () => {
    await using visit = await site().open("#/tokens", { permissions: ["clipboard-read", "clipboard-write"] });
    const { page } = visit;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(`${request.url()} ${request.headers()["referer"] ?? ""}`));
    await logIn(visit, "bob");
    await page.getByText("There are no tokens yet").waitFor();
    expect(await page.getByRole("group", { name: "Whose tokens" }).count()).toBe(0);
    await page.getByRole("button", { name: "New token" }).click();
    expect(await page.getByRole("group", { name: "For whom" }).count()).toBe(0);
    await page.getByLabel("Repositories", { exact: true }).fill("team/app");
    await page.getByLabel("Expires").selectOption("7d");
    await visit.expectAccessible();
    const token = await make(page, "laptop");
    await page.getByRole("dialog").getByRole("button", { name: "Copy the token" }).click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(token);
    await visit.expectAccessible();
    await page.getByRole("button", { name: "I have kept it" }).click();

    const row = page.getByRole("row").filter({ hasText: "laptop" });
    await expect.poll(() => row.innerText()).toMatch(/laptop\s+team\/app:pull\s+just now\s+not yet\s+in 7 days/);
    expect(await page.content()).not.toContain(token);
    expect(await page.evaluate(KEPT)).not.toContain(token);
    await visit.expectAccessible();
    expect(await statusOf("team/app", "bob", token)).toBe(200);
    expect(await statusOf("team/other", "bob", token)).toBe(403);
    await page.reload();
    await expect.poll(() => row.innerText()).toMatch(/just now\s+just now\s+in 7 days/);
    expect(await page.content()).not.toContain(token);

    await row.getByRole("button", { name: "Revoke laptop" }).click();
    await page.getByRole("dialog").getByText("This can't be undone").waitFor();
    await page.keyboard.press("Escape");
    expect(await row.count()).toBe(1);
    await row.getByRole("button", { name: "Revoke laptop" }).click();
    await page.getByRole("button", { name: "Revoke the token" }).click();
    await page.getByText("There are no tokens yet").waitFor();
    await expect.poll(() => statusOf("team/app", "bob", token)).toBe(401);
    expect(asked.filter((line) => line.includes(token))).toEqual([]);
    visit.expectQuiet();
  });

  it("can't be made by what is good for less than a password, in words", async () => {
    await using visit = await site().open("#/tokens");
    const { page } = visit;
    await logIn(visit, "bob");
    await page.getByRole("button", { name: "New token" }).click();
    const whole = await make(page, "whole");
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("Repositories", { exact: true }).fill("team/**");
    const limited = await make(page, "limited");
    await page.getByRole("button", { name: "I have kept it" }).click();

    await using other = await site().open("#/tokens");
    await logIn(other, "bob", whole);
    await expect.poll(() => other.page.getByRole("row").count()).toBe(3);
    await other.page.getByRole("button", { name: "New token" }).click();
    await other.page.getByLabel("What it is for").fill("more");
    await other.page.getByRole("button", { name: "Make the token" }).click();
    await other.page.getByText("log in with the account's password").waitFor();

    await using third = await site().open("#/tokens");
    await logIn(third, "bob", limited);
    await third.page.getByText("this token is limited to scopes").waitFor();
  });

  it("of others and robots are an administrator's", async () => {
    await using visit = await site().open("#/tokens");
    const { page } = visit;
    await logIn(visit, "alice");
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByRole("button", { name: "For a robot" }).click();
    await page.getByLabel("Name of the robot").fill("ci");
    await page.getByLabel("Expires").selectOption("never");
    const token = await make(page, "nightly");
    expect(await page.getByRole("dialog").innerText()).toContain("docker login -u robot/ci ");
    await page.getByRole("button", { name: "I have kept it" }).click();
    const row = page.getByRole("row").filter({ hasText: "nightly" });
    await expect.poll(() => row.innerText()).toMatch(/robot\/ci[^]*by alice[^]*never/);
    expect(await page.evaluate("location.hash")).toContain("whose=all");
    expect(await statusOf("team/app", "robot/ci", token)).toBe(200);
    await page.setViewportSize({ width: 390, height: 844 });
    await visit.expectAccessible();
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    await row.getByRole("button", { name: "Revoke nightly" }).click();
    await page.getByRole("button", { name: "Revoke the token" }).click();
    await expect.poll(() => row.count()).toBe(0);
    // What can't be is refused in the registry's words.
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("Expires").selectOption("never");
    await page.getByLabel("What it is for").fill("for ever");
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("longer than maxlifetime allows").waitFor();
  });
});

describePeers("tokens in the console of a registry that has none", ["chromium"], () => {
  const site = useConsole(() => Promise.resolve());

  it("are explained", async () => {
    await using visit = await site().open("#/tokens");
    const { page } = visit;
    await page.getByText("Everybody may use this registry without a login").waitFor();
    expect(await page.getByRole("link", { name: "Tokens" }).count()).toBe(0);
    await visit.expectAccessible();
    visit.expectQuiet();
  });
});
