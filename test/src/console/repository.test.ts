import { OCI_MANIFEST, pushImage, pushManifest, randomContent } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { expect, it } from "vitest";
import { pushArtifact, pushDemoImage, pushIndex } from "./demo.js";
import { useConsole } from "./site.js";

const NAME = "team/app";

describePeers("a repository's tags", ["chromium"], () => {
  const site = useConsole(
    async ({ client }) => {
      const amd64 = await pushDemoImage(client, NAME, undefined, {});
      const arm64 = await pushDemoImage(client, NAME, undefined, { architecture: "arm64", variant: "v8" });
      const platforms = [
        { ...amd64, platform: { os: "linux", architecture: "amd64" } },
        { ...arm64, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
        { ...amd64, platform: { os: "unknown", architecture: "unknown" } },
      ];
      const index = await pushIndex(client, NAME, "1.10.0", platforms);
      await pushIndex(client, NAME, "latest", platforms);
      await pushArtifact(client, NAME, {
        artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
        layers: [],
        subject: index,
      });
      await pushImage(client, NAME, "1.9.0");
      await pushImage(client, NAME, "release-1");
      await pushArtifact(client, "charts/app", {
        tag: "1.0.0_build.1",
        config: { mediaType: "application/vnd.cncf.helm.config.v1+json", content: randomContent() },
        layers: [],
      });
      const many = await pushImage(client, "many", "t0");
      for (let batch = 0; batch < 1040; batch += 40) {
        const tags = Array.from({ length: 40 }, (_, index) => `t${batch + index}`);
        await Promise.all(tags.map((tag) => pushManifest(client, "many", many.manifest, OCI_MANIFEST, tag)));
      }
      await pushImage(client, "old/app", "1");
    },
    { config: { policy: { immutable: [{ name: "releases", tags: ["release-*"] }] } } },
  );
  const HASH = `#/r/${NAME}`;

  it("show platforms, sizes, signatures and what is immutable", async () => {
    await using visit = await site().open(HASH);
    const row = (tag: string) =>
      visit.page.locator(".row", { has: visit.page.getByRole("link", { name: tag, exact: true }) });
    await expect.poll(() => row("1.10.0").innerText()).toContain("linux/amd64, arm64/v8");
    expect(await row("1.10.0").innerText()).not.toContain("unknown");
    await expect.poll(() => row("latest").innerText()).toContain("signed");
    await expect.poll(() => row("release-1").innerText()).toContain("immutable");
    expect(await row("1.9.0").innerText()).not.toContain("signed");
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("are filtered, and sorted by version", async () => {
    await using visit = await site().open(HASH);
    const { page } = visit;
    await page.getByLabel("Sort by").selectOption("version");
    await page.getByRole("searchbox").fill("1.");
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["1.10.0", "1.9.0"]);
    await page.getByRole("button", { name: "Reverse the order" }).click();
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["1.9.0", "1.10.0"]);
    await page.reload();
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["1.9.0", "1.10.0"]);
  });

  it("are copied as the command of a client that can pull them", async () => {
    const { host } = new URL(site().url);
    await using visit = await site().open("#/r/charts/app", { permissions: ["clipboard-read", "clipboard-write"] });
    const { page } = visit;
    const copied = () => page.evaluate("navigator.clipboard.readText()");
    await page.getByRole("button", { name: "Copy helm pull" }).click();
    expect(await copied()).toBe(`helm pull oci://${host}/charts/app --version 1.0.0+build.1 --plain-http`);
    await page.goto(`${site().url}${HASH}`);
    await page.getByLabel("Commands for").selectOption("podman");
    await page.getByRole("button", { name: "Copy podman pull" }).first().click();
    expect(await copied()).toContain(`podman pull --tls-verify=false ${host}/team/app:`);
  });

  it("are deleted after saying what stays and what doesn't", async () => {
    await using visit = await site().open(HASH);
    const { page } = visit;
    for (const tag of ["1.10.0", "1.9.0", "release-1"]) await page.getByLabel(`Select ${tag}`, { exact: true }).check();
    await page.getByRole("button", { name: "Delete…" }).click();
    const dialog = page.getByRole("dialog");
    await expect.poll(() => dialog.innerText()).toContain("This image stays as latest.");
    const text = await dialog.innerText();
    expect(text).toMatch(/1\.9\.0.*\s+No other tag leads to this image/);
    expect(text).toMatch(/release-1 stays: immutable by the rule "releases"/);
    await visit.expectAccessible();
    await dialog.getByRole("button", { name: "Delete 2 tags" }).click();
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["release-1", "latest"]);
    await expect.poll(() => page.locator(".facts").innerText()).toContain("2 tags");
    visit.expectQuiet();
  });

  it("are all there and all selected, beyond the longest page of the API", async () => {
    await using visit = await site().open("#/r/many?sort=version&order=ascending");
    const { page } = visit;
    await page.locator(".row a").first().focus();
    await page.keyboard.press("End");
    await expect.poll(() => page.locator(":focus").innerText()).toBe("t1039");
    await page.getByLabel("Select all 1,040").check();
    await expect.poll(() => page.getByRole("region").innerText()).toContain("1,040 tags selected");
    visit.expectQuiet();
  });

  it("are gone with their repository", async () => {
    await using visit = await site().open("#/r/old/app");
    const { page } = visit;
    await page.getByRole("button", { name: "Delete the repository…" }).click();
    await page.getByLabel("Write its name").fill("old/app");
    await page.getByRole("button", { name: "Delete the repository", exact: true }).click();
    await expect.poll(() => page.locator(".row a").allInnerTexts()).toEqual(["charts/app", "many", NAME]);
    await page.goBack();
    await expect.poll(() => page.locator("main").innerText()).toContain("There is nothing here");
  });
});
