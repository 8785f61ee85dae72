import { pushImage } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { expect, it } from "vitest";
import { useConsole } from "./site.js";

/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:9";

describePeers("how the registry does, in the console", ["chromium"], () => {
  const site = useConsole(
    async ({ client }) => {
      await pushImage(client, "team/app", "1");
      await client.ask({ path: "/v2/hub/library/alpine/manifests/latest" });
    },
    {
      config: {
        http: { workers: 2 },
        health: { storagedriver: { enabled: true } },
        notifications: {
          endpoints: [
            {
              name: "<img src=x onerror=alert(1)>",
              url: `${NOWHERE}/hook?token=hidden-query`,
              headers: { Authorization: ["Bearer hidden-header"] },
              timeout: "1s",
              threshold: 1,
              backoff: "1s",
            },
          ],
        },
        proxy: {
          upstreams: [{ prefix: "hub", remoteurl: NOWHERE, username: "a", password: "hidden-password" }],
          retries: 0,
        },
      },
    },
  );

  it("says what works and what doesn't, and shows no secret", async () => {
    await using visit = await site().open("#/operation");
    const { page } = visit;
    await page.getByRole("rowheader", { name: /^worker-2/ }).waitFor();
    const text = (): Promise<string> => page.locator("main").innerText();
    expect(await page.getByRole("rowheader").count()).toBe(3);
    const said = await text();
    for (const each of ["Ready", "storagedriver_filesystem", "passes", "<img src=x onerror=alert(1)>", "not reachable"])
      expect(said).toContain(each);
    expect(await page.locator("main img").count()).toBe(0);
    await visit.expectAccessible();

    await page.getByRole("searchbox").fill("upstreams[0]");
    await expect.poll(() => page.locator(".setting-row").count()).toBe(4);
    expect(await text()).toMatch(/proxy\.upstreams\[0\]\.password\s+hidden\s+.*config\.yml, line \d+/);
    await page.getByRole("searchbox").fill("console.path");
    await page.getByRole("button", { name: "With defaults" }).click();
    await expect
      .poll(() => page.locator(".setting-row").allInnerTexts())
      .toEqual([expect.stringMatching(/console\.path\s+\/\s+default/)]);
    expect(page.url()).toContain("defaults=true");
    expect(await page.content()).not.toContain("hidden-");
    await visit.expectAccessible();
    visit.expectQuiet();
  });
});
