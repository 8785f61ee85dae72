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
import { expect, it } from "vitest";
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
