import { describe, expect, it } from "vitest";
import { parseDigest } from "@longshore/storage";
import { randomContent } from "@longshore/testkit/fixtures";
import { collectBytes } from "@longshore/testkit/streams";
import { isUpstreamError, type UpstreamError } from "../../src/configuration.js";
import { MANIFEST, MANIFEST_DIGEST, NAME, openUpstream, sendManifest, serveStandIn, TAG } from "./site.js";

const BLOB = randomContent(100_000);
const DIGEST = parseDigest(BLOB.digest);

async function errorOf(work: Promise<unknown>): Promise<UpstreamError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isUpstreamError(error)) throw new Error(`expected an UpstreamError, got ${String(error)}`);
  return error;
}

describe("a rate limit", () => {
  it("is kept to without asking again, for as long as the upstream says", async () => {
    let now = Date.now();
    let limited = true;
    await using site = await serveStandIn(({ method }, response) => {
      if (!limited || method === "HEAD") return void sendManifest(response);
      response.writeHead(429, {
        "retry-after": "120",
        "ratelimit-limit": "100;w=21600",
        "ratelimit-remaining": "0;w=21600",
      });
      response.end();
    });
    await using upstream = openUpstream(site.url, {}, { now: () => now });
    expect((await errorOf(upstream.fetchManifest(NAME, TAG))).fault).toEqual({ code: "RATE_LIMITED", retryAfter: 120 });
    now += 20_000;
    expect((await errorOf(upstream.fetchManifest(NAME, TAG))).fault).toEqual({ code: "RATE_LIMITED", retryAfter: 100 });
    expect(site.asked).toHaveLength(1);
    expect(upstream.status().rateLimit).toEqual({ limit: 100, remaining: 0, window: 21600 });
    expect(upstream.status().pause).toEqual({ until: new Date(now + 100_000), reason: "rate-limit" });
    expect(upstream.status().lastError).toEqual({ message: "it answered 429", at: new Date(now - 20_000) });
    // Docker Hub doesn't count HEAD.
    expect((await upstream.resolveManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
    limited = false;
    now += 100_000;
    await upstream.fetchManifest(NAME, TAG);
    expect(upstream.status().pause).toBeUndefined();
    expect(upstream.status().lastSuccess).toEqual(new Date(now));
  });

  it("that ends soon is waited for", async () => {
    let answers = 0;
    await using site = await serveStandIn((_, response) => {
      answers += 1;
      if (answers > 1) return void sendManifest(response);
      response.writeHead(429, { "retry-after": "1" }).end();
    });
    await using upstream = openUpstream(site.url);
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
  });
});

describe("failures", () => {
  it.each([500, 502, 503, 504])("of %i are tried again", async (status) => {
    let answers = 0;
    await using site = await serveStandIn((_, response) => {
      answers += 1;
      if (answers > 2) return void sendManifest(response);
      response.writeHead(status).end();
    });
    await using upstream = openUpstream(site.url);
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
  });

  it("several times in a row open the circuit; one request tries again later", async () => {
    let now = Date.now();
    let sound = false;
    await using site = await serveStandIn((_, response) => {
      if (sound) return void sendManifest(response);
      response.writeHead(503).end();
    });
    await using upstream = openUpstream(site.url, { retries: 4 }, { now: () => now, random: () => 0 });
    expect((await errorOf(upstream.fetchManifest(NAME, TAG))).code).toBe("UNAVAILABLE");
    expect(site.asked).toHaveLength(5);
    const error = await errorOf(upstream.fetchManifest(NAME, TAG));
    expect(error.message).toMatch(/failed several times, at last: it answered 503; try again in 10 s/);
    expect(site.asked).toHaveLength(5);
    const failed = { message: "it answered 503", at: new Date(now) };
    expect(upstream.status()).toEqual({
      failure: { message: failed.message, since: failed.at },
      pause: { until: new Date(now + 10_000), reason: "failures" },
      lastError: failed,
    });
    sound = true;
    now += 10_000;
    await upstream.fetchManifest(NAME, TAG);
    expect(upstream.status()).toEqual({ lastSuccess: new Date(now), lastError: failed });
  });

  it("to connect are UNAVAILABLE, and nothing is asked at the start", async () => {
    const site = await serveStandIn(() => undefined);
    await site.close();
    await using upstream = openUpstream(site.url, { retries: 0 });
    expect((await errorOf(upstream.fetchManifest(NAME, TAG))).message).toMatch(/refuses the connection/);
  });

  it("end with the caller's signal", async () => {
    await using site = await serveStandIn(() => undefined);
    await using upstream = openUpstream(site.url);
    const stop = new AbortController();
    const reason = new Error("the client left");
    const fetching = upstream.fetchManifest(NAME, TAG, { signal: stop.signal });
    await expect.poll(() => site.asked.length).toBe(1);
    stop.abort(reason);
    await expect(fetching).rejects.toBe(reason);
  });
});

describe("a blob", () => {
  it("is resumed by Range where its connection breaks off", async () => {
    await using site = await serveStandIn(({ headers }, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(headers["range"] ?? "")?.[1] ?? 0);
      const rest = BLOB.bytes.subarray(start);
      response.writeHead(start === 0 ? 200 : 206, {
        "content-length": rest.byteLength,
        ...(start === 0
          ? {}
          : { "content-range": `bytes ${start}-${BLOB.bytes.byteLength - 1}/${BLOB.bytes.byteLength}` }),
      });
      response.write(rest.subarray(0, 30_000), () => response.destroy());
    });
    await using upstream = openUpstream(site.url, {}, { random: () => 0 });
    const blob = await upstream.openBlob(NAME, DIGEST);
    expect(blob.size).toBe(BLOB.bytes.byteLength);
    expect(upstream.status().lastError).toBeUndefined();
    expect(await collectBytes(blob)).toEqual(BLOB.bytes);
    const status = upstream.status();
    expect(status.lastError?.message).toContain("connection");
    // It answers all the same.
    expect(status.failure).toBeUndefined();
    expect(site.asked.length).toBeGreaterThan(3);
  });

  it("is resumed at an upstream that ignores ranges", async () => {
    let answers = 0;
    await using site = await serveStandIn((_, response) => {
      answers += 1;
      response.writeHead(200, { "content-length": BLOB.bytes.byteLength });
      if (answers > 1) return void response.end(BLOB.bytes);
      response.write(BLOB.bytes.subarray(0, 30_000), () => response.destroy());
    });
    await using upstream = openUpstream(site.url);
    expect(await collectBytes(await upstream.openBlob(NAME, DIGEST))).toEqual(BLOB.bytes);
    expect(await collectBytes(await upstream.openBlob(NAME, DIGEST, { offset: 5000 }))).toEqual(
      BLOB.bytes.subarray(5000),
    );
  });

  it("that breaks off each time without a byte fails", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.flushHeaders();
      response.destroy();
    });
    await using upstream = openUpstream(site.url, { retries: 2 });
    const reading = upstream.openBlob(NAME, DIGEST).then(collectBytes);
    expect((await errorOf(reading)).code).toBe("UNAVAILABLE");
  });

  it("has a size at an upstream that refuses HEAD", async () => {
    await using site = await serveStandIn(({ method, headers }, response) => {
      if (method === "HEAD") return void response.writeHead(401).end();
      expect(headers["range"]).toBe("bytes=0-0");
      response.writeHead(206, { "content-range": `bytes 0-0/${BLOB.bytes.byteLength}` }).end("x");
    });
    await using upstream = openUpstream(site.url);
    expect(await upstream.blobSize(NAME, DIGEST)).toBe(BLOB.bytes.byteLength);
  });
});

describe("HEAD", () => {
  it("is followed by GET where it tells no digest, or is not allowed", async () => {
    for (const status of [200, 405]) {
      await using site = await serveStandIn(({ method }, response) => {
        if (method === "HEAD") return void response.writeHead(status).end();
        sendManifest(response);
      });
      await using upstream = openUpstream(site.url);
      const resolved = await upstream.resolveManifest(NAME, TAG);
      expect(resolved.digest).toBe(MANIFEST_DIGEST);
      expect(resolved.bytes).toEqual(MANIFEST.bytes);
    }
  });
});
