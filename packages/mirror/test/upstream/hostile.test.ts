import { type lookup as systemLookup } from "node:dns";
import { describe, expect, it } from "vitest";
import { parseDigest } from "@longshore/storage";
import { contentOf, OCI_INDEX, OCI_MANIFEST, randomContent } from "@longshore/testkit/fixtures";
import { collectBytes } from "@longshore/testkit/streams";
import { isUpstreamError, type UpstreamErrorCode } from "../../src/configuration.js";
import { readAllPages } from "../../src/upstream/all-pages.js";
import { MANIFEST, MANIFEST_DIGEST, NAME, openUpstream, sendManifest, serveStandIn, TAG } from "./site.js";

const BLOB = randomContent(1000);
const DIGEST = parseDigest(BLOB.digest);

async function refused(work: Promise<unknown>, code: UpstreamErrorCode, text: RegExp): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  expect(isUpstreamError(error) ? error.code : String(error)).toBe(code);
  expect(String(error)).toMatch(text);
}

describe("a manifest", () => {
  it("is no login page with 200", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>Welcome</html>");
    });
    await using upstream = openUpstream(site.url);
    await refused(upstream.fetchManifest(NAME, TAG), "INVALID_ANSWER", /web page/);
    await refused(upstream.openBlob(NAME, DIGEST), "INVALID_ANSWER", /web page/);
    await refused(upstream.resolveManifest(NAME, TAG), "INVALID_ANSWER", /web page/);
  });

  it.each(["application/json", "application/vnd.example.unknown+json", "text/plain", "image/png"])(
    "isn't just any %s",
    async (type) => {
      await using site = await serveStandIn((_, response) => {
        response.writeHead(200, { "content-type": type }).end('{"welcome":true}');
      });
      await using upstream = openUpstream(site.url);
      await refused(upstream.fetchManifest(NAME, TAG), "INVALID_ANSWER", /type/);
    },
  );

  it("is taken under the type it names, from a server that knows none", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(MANIFEST.bytes);
    });
    await using upstream = openUpstream(site.url);
    expect((await upstream.fetchManifest(NAME, TAG)).mediaType).toBe(OCI_MANIFEST);
  });

  it("has the digest that was asked for", async () => {
    await using site = await serveStandIn((_, response) => sendManifest(response));
    await using upstream = openUpstream(site.url);
    const other = parseDigest(contentOf("other").digest);
    await refused(upstream.fetchManifest(NAME, other), "INVALID_ANSWER", /should be/);
    expect(upstream.status().lastError?.message).toMatch(/should be/);
    expect((await upstream.fetchManifest(NAME, MANIFEST_DIGEST)).bytes).toEqual(MANIFEST.bytes);
  });

  it("has the digest that the upstream tells", async () => {
    await using site = await serveStandIn((_, response) => {
      sendManifest(response, { bytes: MANIFEST.bytes, digest: contentOf("a lie").digest });
    });
    await using upstream = openUpstream(site.url);
    await refused(upstream.fetchManifest(NAME, TAG), "INVALID_ANSWER", /should be/);
  });

  it.each(["announced", "not announced"])("isn't larger than 4 MiB, %s", async (how) => {
    await using site = await serveStandIn((_, response) => {
      const size = 5 * 1024 * 1024;
      const length = how === "announced" ? { "content-length": size } : {};
      response.writeHead(200, { "content-type": OCI_MANIFEST, ...length });
      response.end(Buffer.alloc(size, " "));
    });
    await using upstream = openUpstream(site.url);
    await refused(upstream.fetchManifest(NAME, TAG), "INVALID_ANSWER", /larger than/);
  });

  it("doesn't trickle without end", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(200, { "content-type": OCI_MANIFEST });
      const timer = setInterval(() => response.write(" "), 20);
      response.once("close", () => clearInterval(timer));
    });
    await using upstream = openUpstream(site.url, { timeout: "400ms", retries: 0 });
    await refused(upstream.fetchManifest(NAME, TAG), "UNAVAILABLE", /didn't arrive within/);
  });

  it("isn't waited for without end", async () => {
    await using site = await serveStandIn(() => undefined);
    await using upstream = openUpstream(site.url, { timeout: "200ms", retries: 0 });
    await refused(upstream.fetchManifest(NAME, TAG), "UNAVAILABLE", /didn't answer within/);
  });
});

describe("a blob", () => {
  it("isn't taken in a byte now and then", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(200, { "content-length": 1_000_000 });
      const timer = setInterval(() => response.write("x"), 20);
      response.once("close", () => clearInterval(timer));
    });
    await using upstream = openUpstream(site.url, { idletimeout: "300ms", retries: 0 });
    await refused(collectBytes(await upstream.openBlob(NAME, DIGEST)), "UNAVAILABLE", /bytes came within/);
  });

  it("isn't taken in a byte for each connection", async () => {
    await using site = await serveStandIn(({ headers }, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(headers["range"] ?? "")?.[1] ?? 0);
      const range = start === 0 ? {} : { "content-range": `bytes ${start}-999/1000` };
      response.writeHead(start === 0 ? 200 : 206, { "content-length": 1000 - start, ...range });
      response.write(BLOB.bytes.subarray(start, start + 1), () => response.destroy());
    });
    await using upstream = openUpstream(site.url, { retries: 2 }, { random: () => 0 });
    await refused(collectBytes(await upstream.openBlob(NAME, DIGEST)), "UNAVAILABLE", /closed the connection/);
    expect(site.asked).toHaveLength(3);
  });

  it("has a size, so that it has an end", async () => {
    const endless = async (tellsByHead: boolean) =>
      serveStandIn(({ method }, response) => {
        if (method === "HEAD") return void response.writeHead(200, tellsByHead ? { "content-length": 1000 } : {}).end();
        response.writeHead(200);
        const more = (error?: Error | null): void => {
          if (error === undefined || error === null) response.write(Buffer.alloc(64 * 1024), more);
        };
        more();
      });
    await using untold = await endless(false);
    await using upstream = openUpstream(untold.url);
    await refused(upstream.openBlob(NAME, DIGEST), "INVALID_ANSWER", /doesn't tell the blob's size/);
    await using told = await endless(true);
    await using other = openUpstream(told.url);
    const blob = await other.openBlob(NAME, DIGEST);
    expect(blob.size).toBe(1000);
    await refused(collectBytes(blob), "INVALID_ANSWER", /more than 1000 bytes/);
  });

  it("is not joined from two different ones", async () => {
    let answers = 0;
    await using site = await serveStandIn((_, response) => {
      answers += 1;
      if (answers === 1) {
        response.writeHead(200, { "content-length": 1000 });
        response.write(BLOB.bytes.subarray(0, 400), () => response.destroy());
        return;
      }
      response.writeHead(206, { "content-range": "bytes 400-1999/2000", "content-length": 1600 });
      response.end(Buffer.alloc(1600));
    });
    await using upstream = openUpstream(site.url);
    await refused(collectBytes(await upstream.openBlob(NAME, DIGEST)), "INVALID_ANSWER", /size changed/);
  });

  it("is not resumed from another place than the one that was asked for", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(206, { "content-range": "bytes 0-999/1000", "content-length": 1000 }).end(BLOB.bytes);
    });
    await using upstream = openUpstream(site.url);
    await refused(upstream.openBlob(NAME, DIGEST, { offset: 10 }), "INVALID_ANSWER", /a range other than/);
  });
});

describe("a list", () => {
  it("ends", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(200, { link: '</v2/x/tags/list?last=a>; rel="next"', "content-type": "application/json" });
      response.end(JSON.stringify({ tags: ["a"] }));
    });
    await using upstream = openUpstream(site.url);
    const { next } = await upstream.tags(NAME);
    await refused(upstream.tags(NAME, { cursor: next }), "INVALID_ANSWER", /never end/);
  });

  it("ends, however its pages are called", async () => {
    await using site = await serveStandIn(({ path }, response) => {
      response.writeHead(200, { link: `<${path}x?last=${path.length}>; rel="next"` }).end('{"tags":["a"]}');
    });
    await using upstream = openUpstream(site.url);
    const list = readAllPages({
      host: upstream.host,
      what: "tags",
      page: (cursor) => upstream.tags(NAME, { cursor }),
      most: 1000,
      tooMany: () => new Error("too many"),
    });
    await refused(list, "INVALID_ANSWER", /list of tags never ends/);
  });

  it("of referrers isn't longer than 32 MiB in all", async () => {
    const annotations = { padding: "x".repeat(6 * 1024 * 1024) };
    const page = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], annotations });
    let pages = 0;
    await using site = await serveStandIn((_, response) => {
      pages += 1;
      response.writeHead(200, { "content-type": OCI_INDEX, link: `</v2/x?page=${pages}>; rel="next"` }).end(page);
    });
    await using upstream = openUpstream(site.url);
    await refused(upstream.referrers(NAME, MANIFEST_DIGEST), "INVALID_ANSWER", /list of referrers is too long/);
    expect(pages).toBeLessThan(10);
  });

  it("leads to no other host, and holds no names that are none", async () => {
    await using site = await serveStandIn(({ path }, response) => {
      response.writeHead(200, path.includes("last") ? {} : { link: '<http://evil.example/steal?last=b>; rel="next"' });
      response.end(JSON.stringify({ tags: ["a", "../../etc", "b"] }));
    });
    await using upstream = openUpstream(site.url);
    const page = await upstream.tags(NAME);
    expect(page.items).toEqual(["a", "b"]);
    await upstream.tags(NAME, { cursor: page.next });
    expect(site.asked.map((each) => each.path)).toEqual([`/v2/${NAME}/tags/list`, `/v2/${NAME}/tags/list?last=b`]);
  });
});

describe("a redirect", () => {
  const redirectTo = (location: string) =>
    serveStandIn((_, response) => void response.writeHead(307, { location }).end());

  it.each([
    ["http://169.254.169.254/latest/meta-data/", /metadata/],
    ["http://10.1.2.3/v2/", /private/],
    ["http://[fd00::1]/", /private/],
    ["http://[64:ff9b::a9fe:a9fe]/", /metadata/],
    ["file:///etc/passwd", /redirects to file:/],
    ["http://", /redirects to nowhere/],
  ])("to %s is refused", async (location, reason) => {
    await using site = await redirectTo(location);
    await using upstream = openUpstream(site.url);
    await refused(upstream.openBlob(NAME, DIGEST), "REFUSED", reason);
  });

  it("to a name at an internal address is refused before anything is sent", async () => {
    await using site = await redirectTo("http://cdn.example.org/blob");
    const lookup = ((_: string, __: object, callback: (error: null, found: unknown) => void) => {
      callback(null, [{ address: "10.9.8.7", family: 4 }]);
    }) as unknown as typeof systemLookup;
    await using upstream = openUpstream(site.url, {}, { lookup });
    await refused(upstream.openBlob(NAME, DIGEST), "REFUSED", /leads to cdn\.example\.org, which is a private/);
  });

  it("takes no credentials to another origin", async () => {
    await using other = await serveStandIn((_, response) => void response.end(BLOB.bytes));
    await using site = await serveStandIn(({ headers }, response) => {
      if (headers["authorization"] === undefined) {
        return void response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      }
      response.writeHead(307, { location: `${other.url}/blob?signature=x` }).end();
    });
    await using upstream = openUpstream(site.url, { username: "ada", password: "secret" });
    expect(await collectBytes(await upstream.openBlob(NAME, DIGEST))).toEqual(BLOB.bytes);
    expect(other.asked.map((each) => each.headers["authorization"])).toEqual([undefined]);
  });

  it("isn't followed for ever", async () => {
    await using site = await serveStandIn(({ path }, response) => {
      response.writeHead(302, { location: `${path}x` }).end();
    });
    await using upstream = openUpstream(site.url);
    await refused(upstream.openBlob(NAME, DIGEST), "REFUSED", /more than 5 times/);
    expect(site.asked).toHaveLength(6);
  });
});
