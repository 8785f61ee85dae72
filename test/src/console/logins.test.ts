import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { basic, passwordLine } from "../auth/support.js";
import { useResources } from "../clients/site.js";
import type { Visit } from "./browser.js";
import { useConsole } from "./site.js";

const folder = await makeTemporaryFolder("console-logins");
const PASSWORDS = `${folder.path}/htpasswd`;
await writeFile(PASSWORDS, passwordLine("admin", "secret") + passwordLine("reader", "secret"));

async function logIn({ page }: Visit, account: string, password = "secret"): Promise<void> {
  await page.getByLabel("Account").fill(account);
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
}

describePeers("logins in the console", ["chromium"], () => {
  useResources()(folder);
  const site = useConsole(
    async ({ url }) => {
      const admin = createHttpClient(url, { headers: { authorization: basic("admin", "secret") } });
      await pushImage(admin, "team/app", "1");
      await pushImage(admin, "secret/app", "1");
      admin.close();
    },
    {
      config: {
        auth: { htpasswd: { realm: "r", path: PASSWORDS } },
        access: [
          { name: "admin", type: "registry", action: ["*"] },
          { name: "admin", type: "repository", repository: "*", action: ["*"] },
          { match: { account: "reader", type: "registry", name: "catalog" }, actions: ["*"] },
          { name: "reader", type: "repository", repository: "team/*", action: ["pull"] },
        ],
      },
    },
  );

  it("lead to the page that was wanted, and out again", async () => {
    await using visit = await site().open("#/r/team/app");
    const { page } = visit;
    await visit.expectAccessible();
    await logIn(visit, "admin");
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["1"]);
    expect(page.url()).toMatch(/#\/r\/team\/app$/);
    expect(await page.evaluate("document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })")).toBe("{}");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Account").waitFor();
    await page.reload();
    await page.getByLabel("Account").waitFor();
    visit.expectQuiet();
  });

  it("come before anything is asked of the registry", async () => {
    await using visit = await site().open("#/login");
    const { page } = visit;
    const asked: string[] = [];
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith("/v2/")) asked.push(pathname);
    });
    await page.goto(`${site().url}?#/`);
    await page.getByLabel("Account").waitFor();
    expect(asked).toEqual([]);
    await logIn(visit, "reader");
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["team/app"]);
    expect(asked).toEqual(["/v2/_longshore/catalog/repositories"]);
  });

  it("are refused with a wrong password, in words", async () => {
    await using visit = await site().open("");
    await logIn(visit, "admin", "wrong");
    await expect.poll(() => visit.page.getByRole("alert").innerText()).toContain("doesn't know this account");
  });

  it("show a reader what a reader may pull", async () => {
    await using visit = await site().open("");
    const { page } = visit;
    await logIn(visit, "reader");
    await expect.poll(() => page.locator("main").innerText()).toContain("team/app");
    expect(await page.locator("main").innerText()).not.toContain("secret/app");
    expect(await page.getByRole("link", { name: "Usage" }).count()).toBe(0);
    visit.expectQuiet();
    await page.goto(`${site().url}#/r/secret/app`);
    await expect.poll(() => page.locator("main").innerText()).toContain("You may not see this");
  });

  it("show an administrator what fills the storage, and what a collection would free", async () => {
    await using visit = await site().open("");
    const { page } = visit;
    await logIn(visit, "admin");
    await page.getByRole("link", { name: "Usage" }).click();
    await page.getByRole("link", { name: /^secret\/app/ }).waitFor();
    await page.getByText("drawn here once they were counted on two days").waitFor();
    const path = join(site().registry.root, "docker/registry/v2/longshore/inventory/v1/history");
    const history = await readFile(path, "utf8");
    const [, today = ""] = /\[\[(\d+),/.exec(history) ?? [];
    await writeFile(path, history.replace("[[", `[[${Number(today) - 7},1,1,1000,1000],[`));
    await page.reload();
    await page.getByRole("img", { name: /^Stored bytes on 2 days, from 1.00 kB to/ }).waitFor();
    await page.getByRole("button", { name: "See what it would free" }).click();
    await expect.poll(() => page.locator(".run").first().innerText()).toMatch(/Collection \(only looked\)[^]*: \d/);
    await page.getByRole("button", { name: "Collect now" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Collect now" }).click();
    await expect.poll(() => page.locator(".run").count()).toBe(2);
    await expect.poll(() => page.locator(".run").first().innerText()).toMatch(/admin[^]*: \d/);
    await visit.expectAccessible();
    visit.expectQuiet();
  });
});
