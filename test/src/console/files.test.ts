import { readFile, writeFile } from "node:fs/promises";
import { contentOf } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { basic, passwordLine } from "../auth/support.js";
import { useResources } from "../clients/site.js";
import { pushArtifact } from "./demo.js";
import { useConsole } from "./site.js";

const folder = await makeTemporaryFolder("console-files");
const passwords = `${folder.path}/htpasswd`;
await writeFile(passwords, passwordLine("admin", "secret"));

/** One that is too large to be shown without being asked for, and several small ones. */
const LARGE = JSON.stringify({ large: "x".repeat(300_000) });
const SMALL = Array.from({ length: 6 }, (_, index) => JSON.stringify({ small: index }));

describePeers("the files of an artifact", ["chromium"], () => {
  useResources()(folder);
  const site = useConsole(
    async ({ url }) => {
      const client = createHttpClient(url, { headers: { authorization: basic("admin", "secret") } });
      await pushArtifact(client, "team/app", {
        artifactType: "application/vnd.example",
        layers: [...SMALL, LARGE].map((text) => ({ mediaType: "application/json", content: contentOf(text) })),
        tag: "1",
      });
      client.close();
    },
    { config: { auth: { htpasswd: { realm: "r", path: passwords } } } },
  );

  it("are read as far as they are looked at, and saved with the session over plain HTTP", async () => {
    await using visit = await site().open("#/login");
    const { page } = visit;
    const read: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/blobs/")) read.push(request.url());
    });
    // Browsers take this machine for secure whatever the protocol.
    await page.evaluate("Object.defineProperty(globalThis, 'isSecureContext', { get: () => false })");
    await page.getByLabel("Account").fill("admin");
    await page.getByLabel("Password").fill("secret");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "team/app" }).waitFor();
    await page.evaluate("location.hash = '#/r/team/app:1'");
    await expect.poll(() => page.locator(".document").count()).toBe(3);
    expect(read).toHaveLength(3);
    await page.locator(".files > li").nth(4).getByRole("button", { name: "Show" }).click();
    await expect.poll(() => page.locator(".document").count()).toBe(4);
    expect(read).toHaveLength(4);
    const last = page.locator(".files > li").nth(6);
    const [saved] = await Promise.all([
      page.waitForEvent("download"),
      last.getByRole("button", { name: "Download" }).click(),
    ]);
    expect(await readFile(await saved.path(), "utf8")).toBe(LARGE);
    visit.expectQuiet();
  });
});
