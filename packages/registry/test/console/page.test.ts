import { mkdir, rm, writeFile } from "node:fs/promises";
import { brotliCompressSync, brotliDecompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLog } from "@longshore/registry";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";

const INDEX = "<!doctype html><title>page</title>";
const SCRIPT = "export const page = 1;\n".repeat(20);
const ASSET = "index-B4x_9dQk.js";
/** As Chromium opens a page. */
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

async function build(folder: string): Promise<void> {
  await mkdir(`${folder}/assets`, { recursive: true });
  await writeFile(`${folder}/index.html`, INDEX);
  await writeFile(`${folder}/assets/${ASSET}`, SCRIPT);
  await writeFile(`${folder}/assets/${ASSET}.br`, brotliCompressSync(SCRIPT));
  await writeFile(`${folder}/assets/${ASSET}.gz`, gzipSync(SCRIPT));
  await writeFile(`${folder}/secret.txt`, "not part of the page");
}

describe("the console's page", () => {
  let folder: TemporaryFolder;
  let api: RunningApi;
  beforeAll(async () => {
    folder = await makeTemporaryFolder("page");
    await build(folder.path);
    api = await startApi({
      consoleFolder: folder.path,
      config: {
        http: { headers: { "strict-transport-security": ["max-age=1"], "x-content-type-options": ["nosniff"] } },
      },
    });
  });
  afterAll(async () => {
    await api.stop();
    await folder[Symbol.asyncDispose]();
  });

  it("is shown to browsers, which may neither frame it nor run anything in it but its own files", async () => {
    const answer = await api.client.ask({ path: "/", headers: { accept: BROWSER } });
    expect([answer.status, answer.text()]).toEqual([200, INDEX]);
    expect(answer.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "strict-transport-security": "max-age=1",
      vary: "Accept-Encoding, Accept",
    });
    const again = await api.client.ask({
      path: "/",
      headers: { accept: BROWSER, "if-none-match": answer.headers.etag ?? "" },
    });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  it.each([
    undefined,
    "*/*",
    "application/json",
    "text/*",
    "text/html;q=0",
    "text/htmlx",
    "application/vnd.oci.image.index.v1+json, */*",
  ])("leaves an empty 200 to who accepts %s", async (accept) => {
    const answer = await api.client.ask({ path: "/", headers: accept === undefined ? {} : { accept } });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    const names = Object.keys(answer.headers).filter((name) => !["date", "connection", "keep-alive"].includes(name));
    expect(names.sort()).toEqual(["cache-control", "content-length"]);
    expect(answer.headers["cache-control"]).toBe("no-cache");
  });

  it("leaves other methods alone", async () => {
    const answer = await api.client.ask({ method: "POST", path: "/", headers: { accept: BROWSER } });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
  });

  it("has files that never change, in the best coding that a browser accepts", async () => {
    const path = `/_console/assets/${ASSET}`;
    const plain = await api.client.ask({ path, headers: { "accept-encoding": "br;q=0, identity" } });
    expect([plain.status, plain.text()]).toEqual([200, SCRIPT]);
    expect(plain.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      vary: "Accept-Encoding",
    });
    expect(plain.rawHeaders.filter((name) => name.toLowerCase() === "x-content-type-options")).toHaveLength(1);
    const small = await api.client.ask({ path, headers: { "accept-encoding": "gzip, deflate, br, zstd" } });
    expect(small.headers["content-encoding"]).toBe("br");
    expect(brotliDecompressSync(small.body).toString()).toBe(SCRIPT);
    expect(small.headers.etag).not.toBe(plain.headers.etag);
    const zipped = await api.client.ask({ path, headers: { "accept-encoding": "gzip" } });
    expect(zipped.headers["content-encoding"]).toBe("gzip");
  });

  it.each([
    "..%2fsecret.txt",
    "%2e%2e%2fsecret.txt",
    "..%5csecret.txt",
    "../secret.txt",
    "..",
    "index.html",
    `${ASSET}%00`,
    `${ASSET}.br`,
    "constructor",
    "__proto__",
  ])("has no file %s", async (name) => {
    const answer = await api.client.ask({ path: `/_console/assets/${name}` });
    expect([301, 400, 404]).toContain(answer.status);
    expect(answer.text()).not.toContain("not part");
  });
});

describe("where the console is", () => {
  it("is below the prefix, or at a path of its own", async () => {
    await using folder = await makeTemporaryFolder("page");
    await build(folder.path);
    const config = { http: { prefix: "/reg/" }, console: { path: "/ui/" } };
    const api = await startApi({ consoleFolder: folder.path, config });
    const ask = async (path: string, accept = BROWSER) => {
      const { status, headers, body } = await api.client.ask({ path, headers: { accept } });
      return [status, headers.location ?? body.length];
    };
    expect(await ask("/reg/ui/")).toEqual([200, INDEX.length]);
    expect(await ask("/reg/ui")).toEqual([301, "/reg/ui/"]);
    expect(await ask("/reg/ui/", "*/*")).toEqual([404, 19]);
    expect(await ask("/")).toEqual([200, 0]);
    expect(await ask(`/reg/ui/_console/assets/${ASSET}`)).toEqual([200, SCRIPT.length]);
    expect(await ask(`/_console/assets/${ASSET}`)).toEqual([404, 19]);
    expect((await ask("/reg/ui/_console/session"))[0]).toBe(200);
    await api.stop();
  });

  it("says what is wrong if it wasn't built, and is there once it is", async () => {
    await using folder = await makeTemporaryFolder("page");
    let warnings = 0;
    const log = { ...silentLog, warn: () => void (warnings += 1) };
    const api = await startApi({ consoleFolder: folder.path, log });
    const open = () => api.client.ask({ path: "/", headers: { accept: BROWSER } });
    const missing = await open();
    expect([missing.status, missing.text()]).toEqual([503, expect.stringContaining("log says why")]);
    expect((await Promise.all([open(), open(), open()])).map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(warnings).toBe(1);
    await build(folder.path);
    await expect.poll(async () => (await open()).text(), { timeout: 5000 }).toBe(INDEX);
    await rm(folder.path, { recursive: true });
    expect((await open()).text()).toBe(INDEX);
    await api.stop();
  });
});
