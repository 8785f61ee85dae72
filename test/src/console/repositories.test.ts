import { expectStatus, indexOf, manifestOf, OCI_INDEX, pushImage, pushManifest } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import type { RunningRegistry } from "@longshore/testkit/start-registry";
import { describe, expect, it } from "vitest";
import { useConsole } from "./site.js";

const NAMES = ["alpine", "team/app", "team/tools/lint", "team/worker"];

describePeers("the list of repositories", ["chromium"], () => {
  const site = useConsole(async ({ client }) => {
    for (const name of NAMES) await pushImage(client, name, "1.0");
    await pushImage(client, "team/app", "1.1", { layers: 6 });
  });

  it("shows what is there, searches while one writes, and sorts", async () => {
    await using visit = await site().open("");
    const { page } = visit;
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual([...NAMES].sort());
    await expect.poll(() => page.locator(".page-count").innerText()).toBe("4");

    await page.keyboard.press("/");
    await page.keyboard.type("TEAM");
    await expect.poll(() => page.locator(".row").count()).toBe(3);
    expect(page.url()).toContain("#/?search=TEAM");
    await page.getByRole("button", { name: "Tags", exact: true }).click();
    await expect.poll(() => page.locator(".row a").first().innerText()).toBe("team/app");
    expect(page.url()).toContain("sort=tags&order=descending");

    await page.getByRole("searchbox").fill("nothing like it");
    await page.getByRole("button", { name: "Show all repositories" }).click();
    await expect.poll(() => page.locator(".row").count()).toBe(4);
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("asks for the list once, as soon as it knows who looks", async () => {
    await using visit = await site().open("#/unknown");
    const { page } = visit;
    const asked: string[] = [];
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (!pathname.includes("/assets/")) asked.push(pathname);
    });
    await page.goto(`${site().url}?#/?search=team`);
    await expect.poll(() => page.locator(".row").count()).toBe(3);
    expect(asked).toEqual(["/", "/_console/session", "/v2/_longshore/catalog/repositories"]);
    visit.expectQuiet();
  });

  it("is used with the keyboard alone", async () => {
    await using visit = await site().open("");
    const { page } = visit;
    await page.locator(".row").first().waitFor();
    await page.keyboard.press("/");
    for (const key of ["ArrowDown", "ArrowDown", "End", "ArrowUp"]) await page.keyboard.press(key);
    expect(await page.locator(":focus").innerText()).toBe("team/tools/lint");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.url()).toContain("#/r/team/tools/lint");
    await page.goBack();
    await expect.poll(() => page.locator(".row").count()).toBe(4);
  });

  it("is a tree by prefix", async () => {
    await using visit = await site().open("#/?view=tree");
    const { page } = visit;
    await page.getByRole("button", { name: "Open team", exact: true }).click();
    await page.getByRole("button", { name: "Open team/tools" }).click();
    await expect
      .poll(() => page.locator(".row .name").allInnerTexts())
      .toEqual(["team", "tools", "lint", "app", "worker", "alpine"]);
    await page.reload();
    await expect.poll(() => page.locator(".row .name").allInnerTexts()).toContain("lint");
    await visit.expectAccessible();
    visit.expectQuiet();
  });
});

describe("many repositories", () => {
  describePeers("in a browser", ["chromium"], () => {
    const site = useConsole(async ({ client }) => {
      const manifest = manifestOf(indexOf([]));
      const names = Array.from({ length: 150 }, (_, index) => `team/app-${String(index).padStart(3, "0")}`);
      for (const name of names) expectStatus(await pushManifest(client, name, manifest, OCI_INDEX, "1"), 201);
    });

    it("are shown before they are counted", async () => {
      await using visit = await site().open("#/unknown");
      const { page } = visit;
      let goOn = (): void => undefined;
      const held = new Promise<void>((resolve) => (goOn = resolve));
      await page.route(/[?&]last=/, async (route) => {
        await held;
        await route.continue();
      });
      await page.goto(`${site().url}?#/`);
      await expect.poll(() => page.locator(".row a").first().innerText()).toBe("team/app-000");
      expect(await page.locator(".page-count").innerText()).toBe("counting…");
      expect(await page.locator("[role=table]").getAttribute("aria-rowcount")).toBe("-1");
      goOn();
      await expect.poll(() => page.locator(".page-count").innerText()).toBe("150");
      await page.locator(".row a").first().focus();
      await page.keyboard.press("End");
      await expect.poll(() => page.locator(":focus").innerText()).toBe("team/app-149");
      visit.expectQuiet();
    });
  });
});

describe("an empty registry", () => {
  describePeers("in a browser", ["chromium"], () => {
    const site = useConsole(() => Promise.resolve(), {
      path: "/below/here/",
      config: { http: { prefix: "/below/here/" } },
    });

    it("says which commands fill it, with its own address, below any prefix", async () => {
      await using visit = await site().open("");
      const { host } = new URL(site().url);
      await expect.poll(() => visit.page.locator("main").innerText()).toContain(`docker push ${host}/alpine`);
      await visit.page.getByRole("button", { name: "Podman" }).click();
      await expect
        .poll(() => visit.page.locator("main").innerText())
        .toContain(`podman push --tls-verify=false ${host}/alpine`);
      await visit.expectAccessible();
      visit.expectQuiet();
    });
  });
});

describe("a console at a path of its own", () => {
  describePeers("in a browser", ["chromium"], () => {
    const fill = async ({ client }: RunningRegistry) => void (await pushImage(client, "team/app", "1.0"));
    const site = useConsole(fill, { path: "/its/own/", config: { console: { path: "/its/own/" } } });

    it("finds the registry", async () => {
      await using visit = await site().open("");
      await expect.poll(() => visit.page.locator(".row a").allInnerTexts()).toEqual(["team/app"]);
    });
  });
});
