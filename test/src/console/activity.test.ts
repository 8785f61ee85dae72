import { writeFile } from "node:fs/promises";
import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { basic, passwordLine } from "../auth/support.js";
import { useResources } from "../clients/site.js";
import type { Visit } from "./browser.js";
import { useConsole } from "./site.js";

const folder = await makeTemporaryFolder("console-activity");
const PASSWORDS = `${folder.path}/htpasswd`;
await writeFile(PASSWORDS, ["admin", "writer", "reader"].map((name) => passwordLine(name, "secret")).join(""));
const HOSTILE = "<img src=x onerror=alert(1)>";

async function logIn({ page }: Visit, account: string): Promise<void> {
  await page.getByLabel("Account").fill(account);
  await page.getByLabel("Password").fill("secret");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator(".watch-state").innerText()).toBe("Live");
}

/** The lines without when. */
async function lines(page: Page): Promise<readonly string[]> {
  const found: unknown = await page.evaluate(
    `[...document.querySelectorAll(".happening")].map((row) =>
       [...row.querySelectorAll(".did, .what, .who bdi")].map((each) => each.textContent).join(" "))`,
  );
  return Array.isArray(found) ? found.map(String) : [];
}

describePeers("activity in the console, from two workers", ["chromium"], () => {
  useResources()(folder);
  let clients: Readonly<Record<string, HttpClient>> = {};
  const site = useConsole(
    ({ url }) => {
      // A connection for each request, which any worker may accept.
      const clientOf = (account: string): HttpClient =>
        createHttpClient(url, {
          keepAlive: false,
          headers: {
            authorization: basic(account, "secret"),
            "user-agent": account === "writer" ? HOSTILE : "docker/20",
          },
        });
      clients = { admin: clientOf("admin"), writer: clientOf("writer"), reader: clientOf("reader") };
      return Promise.resolve();
    },
    {
      config: {
        http: { workers: 2 },
        auth: { htpasswd: { realm: "r", path: PASSWORDS } },
        access: [
          { name: "admin", type: "registry", action: ["*"] },
          { match: { account: "writer", type: "repository" }, actions: ["pull", "push"] },
          { name: "reader", type: "repository", repository: "team/*", action: ["pull"] },
        ],
      },
    },
  );
  const pushAs = async (account: string, name: string, tag: string): Promise<void> => {
    const client = clients[account];
    if (client !== undefined) await pushImage(client, name, tag);
  };
  const failToLogIn = async (account: string): Promise<void> => {
    const headers = { authorization: basic(account, "wrong") };
    await fetch(`${site().registry.url}/v2/`, { headers });
  };

  it("shows an administrator who does what, and what strangers write as text", async () => {
    await using visit = await site().open("#/activity");
    const { page } = visit;
    await logIn(visit, "admin");
    await expect.poll(() => page.locator(".nothing").innerText()).toContain("Nothing has happened");
    await visit.expectAccessible();
    await pushAs("writer", "team/app", "1.0");
    await failToLogIn(HOSTILE);
    await expect
      .poll(async () => [...(await lines(page))].sort())
      .toEqual([`login refused ${HOSTILE} 127.0.0.1 node`, `pushed team/app:1.0 writer 127.0.0.1 ${HOSTILE}`]);
    expect(await page.locator("main img").count()).toBe(0);
    await visit.expectAccessible();

    await page.getByRole("button", { name: "Refused logins" }).click();
    await expect.poll(() => page.locator(".happening").count()).toBe(1);
    expect(page.url()).toContain("kind=login-refused");
    await page.getByRole("button", { name: "All", exact: true }).click();
    await page.getByRole("link", { name: "team/app:1.0" }).click();
    await page.getByRole("heading", { name: "team/app:1.0" }).waitFor();
    await pushAs("writer", "team/app", "1.1");
    await page.goBack();
    await expect
      .poll(async () => (await lines(page)).some((line) => line.startsWith("pushed team/app:1.1")))
      .toBe(true);
    expect(await page.locator(".happening").count()).toBe(3);
    visit.expectQuiet();
  });

  it("shows a reader what happens where they may pull, without names", async () => {
    await using reader = await site().open("#/activity");
    await logIn(reader, "reader");
    await using writer = await site().open("#/activity");
    await logIn(writer, "writer");
    await pushAs("writer", "secret/app", "1");
    await failToLogIn("reader");
    await pushAs("writer", "team/tools", "2");
    await expect.poll(() => lines(reader.page)).toEqual(["pushed team/tools:2"]);
    await expect
      .poll(async () => [...(await lines(writer.page))].sort())
      .toEqual([
        `pushed secret/app:1 writer (you) 127.0.0.1 ${HOSTILE}`,
        `pushed team/tools:2 writer (you) 127.0.0.1 ${HOSTILE}`,
      ]);
    expect(await reader.page.getByRole("button", { name: "Refused logins" }).count()).toBe(0);
    reader.expectQuiet();
    writer.expectQuiet();
  });

  it("stops for who reads, filters, and is used with the keyboard alone", async () => {
    await using visit = await site().open("#/activity");
    const { page } = visit;
    await logIn(visit, "admin");
    for (const tag of ["1", "2"]) await pushAs("admin", "team/app", tag);
    await pushAs("admin", "other", "1");
    await expect.poll(() => page.locator(".happening").count()).toBe(3);
    await page.getByRole("button", { name: "Pause" }).click();
    await pushAs("admin", "team/late", "1");
    await expect.poll(() => page.locator(".watch-state").innerText()).toBe("Paused, 1 more since");
    expect(await page.locator(".happening").count()).toBe(3);
    await page.getByRole("button", { name: "Go on" }).click();
    await expect.poll(() => page.locator(".happening").count()).toBe(4);
    await page.keyboard.press("/");
    await page.keyboard.type("team/");
    await expect.poll(() => page.locator(".happening").count()).toBe(3);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    const last = await page.locator(":focus").innerText();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: last }).waitFor();
    visit.expectQuiet();
  });

  it("ends with the session, and asks for a login", async () => {
    await using visit = await site().open("#/activity");
    const { page } = visit;
    await logIn(visit, "reader");
    await page.evaluate(`fetch("_console/session", { method: "DELETE", headers: { "Longshore-Console": "1" } })`);
    await page.getByLabel("Password").waitFor();
    visit.expectQuiet();
  });
});

describePeers("activity of a registry that is away for a moment", ["chromium"], () => {
  const site = useConsole(() => Promise.resolve());

  it("is explained, and goes on", async () => {
    await using visit = await site().open("#/activity");
    const { page } = visit;
    const state = page.locator(".watch-state");
    await expect.poll(() => state.innerText()).toBe("Live");
    await site().registry.stop();
    await expect.poll(() => state.innerText()).toContain("trying again");
    await visit.expectAccessible();
    await using again = await startRegistry({ config: { http: { addr: new URL(site().url).host } } });
    await expect.poll(() => state.innerText()).toBe("Live");
    await pushImage(again.client, "team/app", "1");
    // Without an address, since nobody logs in here.
    await expect.poll(() => lines(page)).toEqual(["pushed team/app:1"]);
  });
});
