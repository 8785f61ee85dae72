import { pushImage } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { expect, it } from "vitest";
import { useConsole } from "./site.js";

const DIGEST = `sha256%253A${"0f".repeat(32)}`;

/** What anybody can put into a message to somebody who is logged in. */
describePeers("links to the console", ["chromium"], () => {
  const site = useConsole(async ({ client }) => {
    await pushImage(client, "team/app", "1");
  });

  it.each([
    `#/r/team/app/..%2f..%2fpublic/evil/blobs/${DIGEST}%3Fz=`,
    "#/r/team/app:1%0Acurl%20evil.example%20|%20sh",
    `#/compare?left=team/app:1&right=team/app/..%2f..%2fpublic/evil/blobs/${DIGEST}%3Fz=:1`,
  ])("that name no repository lead nowhere: %s", async (route) => {
    await using visit = await site().open("");
    const { page } = visit;
    await page.getByRole("link", { name: "team/app" }).waitFor();
    const asked: string[] = [];
    page.on("request", (request) => {
      // The page's own files, such as its icon, may come at any time.
      if (!request.url().includes("/_console/assets/")) asked.push(request.url());
    });
    await page.evaluate(`location.hash = ${JSON.stringify(route)}`);
    await expect.poll(() => page.locator("h1").innerText()).toBe("There is no such page");
    await page.waitForLoadState("networkidle");
    expect(asked).toEqual([]);
    expect(await page.getByRole("button", { name: "Copy" }).count()).toBe(0);
    visit.expectQuiet();
  });
});
