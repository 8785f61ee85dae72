import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  contentOf,
  describeContent,
  manifestOf,
  OCI_MANIFEST,
  pushBlob,
  pushManifest,
  expectStatus,
} from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { startDockerEngine } from "../clients/docker-engine.js";
import { dockerArchive, makeImage } from "../clients/images.js";
import { useResources } from "../clients/site.js";
import { tar } from "../clients/tar.js";
import { spdxOf } from "./demo.js";
import { useConsole } from "./site.js";

const SCRIPT = "<script>document.title='run';document.body.append('run')</script>";
const BLOBS = {
  HTML: `<!doctype html><html><body>${SCRIPT}</body></html>`,
  SVG: `<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='run'">${SCRIPT}</svg>`,
  XHTML: `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>${SCRIPT}</body></html>`,
} as const;
const NAME = "team/app";

describePeers("what was pushed, opened in a browser", ["chromium"], () => {
  const contents = Object.entries(BLOBS).map(([kind, text]) => [kind, contentOf(text)] as const);
  const site = useConsole(async ({ client }) => {
    for (const [, content] of contents) await pushBlob(client, NAME, content);
    const document = manifestOf({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: "text/html",
      config: describeContent(contents[0]?.[1] ?? contentOf(""), "text/html"),
      layers: contents.map(([, content]) => describeContent(content, "image/svg+xml")),
      annotations: { "<html>": BLOBS.HTML },
    });
    expectStatus(await pushManifest(client, NAME, document, OCI_MANIFEST, "1"), 201);
  });
  const blobs = contents.map(([kind, { digest }]) => [kind, `v2/${NAME}/blobs/${digest}`] as const);
  const manifest = ["a manifest", `v2/${NAME}/manifests/1`] as const;
  const paths = [...blobs, manifest];

  it.each(blobs)("%s is saved, and never shown", async (_, path) => {
    await using visit = await site().open("");
    const { page } = visit;
    const title = await page.title();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      // A navigation that ends in a download is aborted.
      page.goto(`${site().url}${path}`).catch(() => undefined),
    ]);
    expect(download.url()).toContain(path);
    // Nor by a link from the page itself, which the browser sends the session with.
    await Promise.all([page.waitForEvent("download"), page.evaluate(`location.href = ${JSON.stringify(`./${path}`)}`)]);
    expect(await page.title()).toBe(title);
  });

  it("a manifest is text", async () => {
    await using visit = await site().open("");
    const { page } = visit;
    await page.goto(`${site().url}${manifest[1]}`);
    expect(await page.locator("body").innerText()).toContain("<script>");
    expect(await page.locator("script").count()).toBe(0);
    expect(await page.title()).not.toBe("run");
  });

  it.each(paths)("%s has one type, whoever asks for it", async (_, path) => {
    const { client } = site().registry;
    const own = { "sec-fetch-site": "same-origin", "longshore-console": "1" };
    for (const headers of [{}, { ...own }, { "sec-fetch-dest": "document" }, { "sec-fetch-dest": "iframe" }]) {
      const answer = await client.ask({ path: `/${path}`, headers: { accept: "*/*", ...headers } });
      expect(answer.status).toBe(200);
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
      expect(answer.headers["content-type"]).toMatch(
        /^application\/(?:octet-stream|vnd\.oci\.image\.manifest\.v1\+json)$/,
      );
      const isInert = Object.keys(headers).length > 0;
      expect(answer.headers["content-security-policy"]).toBe(isInert ? "sandbox; default-src 'none'" : undefined);
      if (path.includes("/blobs/"))
        expect(answer.headers["content-disposition"]).toBe(isInert ? "attachment" : undefined);
    }
  });
});

describePeers("what real clients have pushed, opened in a browser", ["chromium", "docker", "oras"], () => {
  const own = useResources();
  const built = makeImage("docker");
  const site = useConsole(async ({ url }) => {
    const { host } = new URL(url);
    const folder = own(await makeTemporaryFolder("console-clients"));
    const engine = own(await startDockerEngine());
    await engine.docker(["load"], { input: dockerArchive(built, "built:1") });
    await engine.docker(["tag", "built:1", `${host}/shop/web:1`]);
    await engine.docker(["push", `${host}/shop/web:1`]);
    const file = async (name: string, content: string | Buffer): Promise<string> => {
      await writeFile(join(folder.path, name), content);
      return name;
    };
    const oras = (command: string, ...args: string[]) =>
      run("oras", [command, "--plain-http", ...args], { cwd: folder.path });
    const sbom = await file("sbom.json", JSON.stringify(spdxOf("web")));
    await oras(
      "attach",
      "--artifact-type=application/spdx+json",
      `${host}/shop/web:1`,
      `${sbom}:application/spdx+json`,
    );
    // As cosign attaches a signature by a tag, and as Helm pushes a chart.
    const subject = (await oras("resolve", `${host}/shop/web:1`)).stdout.trim();
    const payload = await file(
      "payload.json",
      JSON.stringify({ critical: { image: { "docker-manifest-digest": subject } } }),
    );
    await oras(
      "push",
      `${host}/shop/web:${subject.replace(":", "-")}.sig`,
      `${payload}:application/vnd.dev.cosign.simplesigning.v1+json`,
    );
    const config = await file(
      "config.json",
      JSON.stringify({ name: "shop", version: "1.2.3", description: "All of the shop" }),
    );
    const chart = await file(
      "shop-1.2.3.tgz",
      gzipSync(tar([{ name: "shop/values.yaml", content: Buffer.from("replicas: 3\n") }])),
    );
    await oras(
      "push",
      `--config=${config}:application/vnd.cncf.helm.config.v1+json`,
      `${host}/charts/shop:1.2.3`,
      `${chart}:application/vnd.cncf.helm.chart.content.v1.tar+gzip`,
    );
  });

  it("is a signed image with its layers, files and what is attached, and a chart", async () => {
    await using visit = await site().open("#/r/shop/web");
    const { page } = visit;
    const text = () => page.locator("main").innerText();
    await page.getByText("signed").first().waitFor();
    await expect.poll(text).toMatch(/signed\s+SBOM\s+linux\/amd64/);
    await page.goto(`${site().url}#/r/shop/web:1`);
    await expect.poll(() => page.locator(".step-layer").count()).toBeGreaterThan(0);
    await expect.poll(() => page.locator(".command").first().innerText()).toContain("docker pull");
    await page.getByRole("button", { name: "Files", exact: true }).click();
    await expect.poll(text).toMatch(/architecture\s+6 B\s+0644/);
    await page.getByRole("button", { name: "Attached", exact: true }).click();
    await expect.poll(() => page.locator(".referrer").count()).toBe(2);
    for (const each of await page.locator(".referrer").all()) await each.click();
    await expect.poll(text).toMatch(/SPDX-2\.3/);
    await expect.poll(text).toMatch(/Signed digest\s+sha256:/);
    await page.goto(`${site().url}#/r/charts/shop:1.2.3`);
    await expect.poll(text).toMatch(/Helm chart[^]*helm pull[^]*All of the shop/);
    await visit.expectAccessible();
    visit.expectQuiet();
  });
});
