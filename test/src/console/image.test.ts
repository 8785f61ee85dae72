import { contentOf, pushImage } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { expect, it } from "vitest";
import { fillDemo, filesLayer, pushArtifact, pushDemoImage, spdxOf } from "./demo.js";
import { useConsole } from "./site.js";

/** What would run, or be a link that runs, if it became markup. */
const HOSTILE = [
  `<img src=x onerror="document.title='hacked'">`,
  `"><script>document.title='hacked'</script>`,
  `<svg onload="document.title='hacked'"><a href="javascript:alert(1)">x</a></svg>`,
  `javascript:document.title='hacked'`,
  "https://user:secret@example.com/",
  `data:text/html,<script>document.title='hacked'</script>`,
  "\u202egpj.exe",
  "{{constructor.constructor('return 1')()}}",
  `'-alert(1)-'`,
  "<style>*{display:none}</style>",
];

describePeers("an image", ["chromium"], () => {
  const site = useConsole(async ({ client }) => {
    await fillDemo(client);
    const values = Object.fromEntries(HOSTILE.map((text, index) => [`key-${index}${text}`, text]));
    const image = await pushDemoImage(client, "hostile", "tag__.-x", {
      author: HOSTILE[0] ?? "",
      architecture: HOSTILE[1] ?? "",
      config: {
        Env: HOSTILE,
        Labels: values,
        Entrypoint: HOSTILE,
        User: HOSTILE[0],
        WorkingDir: HOSTILE[2],
        ExposedPorts: values,
      },
      layers: HOSTILE.map((command) => filesLayer(command, { "a.txt": command })),
      annotations: values,
    });
    await pushArtifact(client, "hostile", {
      artifactType: `application/spdx+json`,
      layers: [
        {
          mediaType: "application/spdx+json",
          content: contentOf(JSON.stringify(spdxOf(HOSTILE[0] ?? "", HOSTILE))),
          annotations: { ...values, "org.opencontainers.image.title": HOSTILE[0] ?? "" },
        },
        { mediaType: "image/svg+xml", content: contentOf(HOSTILE[2] ?? "") },
        { mediaType: "text/html", content: contentOf(HOSTILE[1] ?? "") },
      ],
      subject: image,
      annotations: values,
    });
    await pushImage(client, "old", "1");
  });

  it("has its platforms side by side, with history beside layers", async () => {
    await using visit = await site().open("#/r/shop/web:2.10.0");
    const { page } = visit;
    await expect.poll(() => page.locator(".card-name").allInnerTexts()).toEqual(["linux/amd64", "linux/arm64/v8"]);
    await expect.poll(() => page.locator(".step-command").allInnerTexts()).toContain("RUN npm ci --omit=dev");
    await page.getByRole("button", { name: "linux/arm64/v8" }).click();
    await page.getByRole("button", { name: "Find out which layers other tags share" }).click();
    await expect.poll(() => page.locator(".step-layer").first().innerText()).toMatch(/also in 2\.9\.0, 2\.8\.0/);
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("has a configuration, with links that are links", async () => {
    await using visit = await site().open("#/r/shop/web:2.10.0?view=configuration");
    const { page } = visit;
    const text = () => page.locator("main").innerText();
    for (const part of ['["/usr/bin/node"]', "NODE_ENV", "production", "8080/tcp, 9090/tcp", "SIGTERM"])
      await expect.poll(text).toContain(part);
    const link = page.getByRole("link", { name: "https://git.example.com/shop/web" });
    expect(await link.getAttribute("rel")).toContain("noopener");
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("has signatures, bills of materials and provenance that can be read", async () => {
    await using visit = await site().open("#/r/shop/web:2.10.0?view=referrers");
    const { page } = visit;
    await expect.poll(() => page.locator(".referrer").count()).toBe(5);
    for (const each of await page.locator(".referrer:not(.referrer-inner .referrer)").all()) await each.click();
    const text = () => page.locator("main").innerText();
    for (const part of [
      "registry.example.com/shop/web",
      "SPDX-2.3",
      "CycloneDX 1.6",
      "https://slsa.dev/provenance/v1",
      "https://ci.example.com/shop/web/runs/4711",
      "Reviewed by two people.",
    ]) {
      if (part === "Reviewed by two people.") await page.locator(".referrer-inner .referrer").first().click();
      await expect.poll(text).toContain(part);
    }
    await page.getByLabel("Search packages").first().fill("libssl");
    await expect.poll(() => page.locator("tbody").first().locator("tr").count()).toBe(1);
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("has JSON that folds", async () => {
    await using visit = await site().open("#/r/shop/web:2.10.0?view=raw");
    const { page } = visit;
    await expect.poll(() => page.locator(".json").first().innerText()).toContain("schemaVersion");
    await page.locator(".json summary").first().click();
    await expect.poll(() => page.locator(".json").first().innerText()).not.toContain("schemaVersion");
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("is compared with another", async () => {
    await using visit = await site().open("#/r/shop/web:2.9.0");
    const { page } = visit;
    await page.getByRole("link", { name: "Compare with another" }).click();
    await page.getByLabel("Another one").fill("shop/web:2.10.0");
    await page.getByRole("button", { name: "Compare" }).click();
    await expect.poll(() => page.locator("main").innerText()).toMatch(/2 layers in common/);
    await expect.poll(() => page.locator("main").innerText()).toMatch(/APP_VERSION\s+2\.9\.0\s+2\.10\.0/);
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("may be a chart or another artifact", async () => {
    await using visit = await site().open("#/r/charts/shop:1.4.2");
    const { page } = visit;
    await expect.poll(() => page.locator("main").innerText()).toContain("The shop with its database and queue");
    await expect.poll(() => page.locator(".command").first().innerText()).toContain("helm pull oci://");
    await visit.expectAccessible();
    visit.expectQuiet();
  });

  it("never becomes markup, whatever it contains", async () => {
    await using visit = await site().open("#/r/hostile:tag__.-x");
    const { page } = visit;
    const expectHarmless = async (): Promise<void> => {
      expect(await page.title()).toContain("hostile:tag__.-x");
      expect(
        await page.locator("main img, main script, main style, main [onerror], main [onload], main iframe").count(),
      ).toBe(0);
      const addresses: unknown = await page.evaluate("[...document.links].map((link) => link.getAttribute('href'))");
      expect(addresses).not.toContainEqual(expect.stringMatching(/^(?!#|\.\/v2\/|https:\/\/)|user:secret/));
    };
    await expect.poll(() => page.locator(".step-command").allInnerTexts()).toContain(HOSTILE[0]);
    await expectHarmless();
    for (const view of ["Configuration", "Attached", "JSON"]) {
      await page.getByRole("button", { name: view, exact: true }).click();
      if (view.startsWith("Attached")) await page.locator(".referrer").click();
      await expect.poll(() => page.locator("main").innerText()).toContain("<style>*{display:none}</style>");
      await expectHarmless();
    }
    visit.expectQuiet();
  });

  it("that doesn't exist is explained", async () => {
    await using visit = await site().open("#/r/shop/web:none");
    await expect.poll(() => visit.page.locator("main").innerText()).toContain("There is nothing here");
  });
});
