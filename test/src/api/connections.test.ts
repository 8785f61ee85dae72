import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { AccessController } from "@longshore/auth";
import type { Log, LogFields } from "@longshore/registry";
import {
  digestOf,
  expectStatus,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  randomContent,
  startUpload,
  withQuery,
} from "@longshore/testkit/fixtures";
import { connectRaw, type RawConnection } from "@longshore/testkit/http-client";
import { startApi } from "@longshore/testkit/start-registry";

const hasHead = (text: string): boolean => text.includes("\r\n\r\n");

/** Path and query of a location. */
const targetOf = (location: string): string => location.replace(/^http:\/\/[^/]*/, "");

/** Sends `count` times 64 KiB as fast as the other end takes them, until it doesn't; returns the bytes that went out. */
async function flood(connection: RawConnection, count: number): Promise<number> {
  const chunk = randomBytes(64 * 1024);
  let sent = 0;
  for (let i = 0; i < count && !connection.socket.destroyed; i += 1) {
    const failed = await new Promise<boolean>((resolve) => {
      connection.socket.write(chunk, (error) => resolve(error !== undefined && error !== null));
    });
    if (failed) break;
    sent += chunk.length;
  }
  return sent;
}

describe("a refused body", () => {
  it("that is small leaves the connection as it was", async () => {
    await using api = await startApi();
    using connection = await connectRaw(api.client.origin);
    const refused = `PUT /v2/a/manifests/latest HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello`;
    const next = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n";
    connection.write(
      `PATCH /v2/a/blobs/uploads/x?_state=AAAA HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello${refused}${next}`,
    );
    const text = await connection.received((all) => all.endsWith("\r\n\r\n{}"));
    expect(text.match(/HTTP\/1\.1 (\d+)/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 400", "HTTP/1.1 200"]);
  });

  it("that is small is read before the refusal, which containerd waits for with its manifest half sent", async () => {
    await using api = await startApi();
    using connection = await connectRaw(api.client.origin);
    let received = "";
    connection.socket.on("data", (text: string) => (received += text));
    connection.write(`PATCH /v2/a/blobs/uploads/x?_state=AAAA HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello`);
    // Others that come later are answered first.
    for (let each = 0; each < 20; each += 1) expect((await api.client.ask({ path: "/v2/" })).status).toBe(200);
    expect(received).toBe("");
    connection.write("world");
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 404 /);
  });

  it("that is large isn't read to its end, and the client gets its answer", async () => {
    await using api = await startApi();
    using connection = await connectRaw(api.client.origin);
    connection.write(
      `PATCH /v2/a/blobs/uploads/x?_state=AAAA HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 30}\r\n\r\n`,
    );
    const sending = flood(connection, 2 ** 14);
    const text = await connection.received(hasHead);
    expect(text).toMatch(/^HTTP\/1\.1 404 [^]*\r\nConnection: close\r\n/);
    expect(text).toContain("BLOB_UPLOAD_INVALID");
    await connection.closed();
    expect(await sending).toBeLessThan(2 ** 30);
  });

  it("that is large doesn't reset a client that reads its answer only when it has sent", async () => {
    await using api = await startApi();
    using connection = await connectRaw(api.client.origin);
    connection.socket.pause();
    connection.write(
      `PATCH /v2/a/blobs/uploads/x?_state=AAAA HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 23}\r\n\r\n`,
    );
    expect(await flood(connection, 128)).toBe(2 ** 23);
    connection.socket.resume();
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 404 /);
  });

  it("without a known end closes the connection", async () => {
    await using api = await startApi();
    using connection = await connectRaw(api.client.origin);
    connection.write(
      `PATCH /v2/a/blobs/uploads/x?_state=AAAA HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    );
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 404 [^]*\r\nConnection: close\r\n/);
    await connection.closed();
  });

  it("in the middle of a manifest that is too large closes the connection", async () => {
    await using api = await startApi({ config: { http: { limits: { manifestsize: 1024 } } } });
    using connection = await connectRaw(api.client.origin);
    connection.write(
      `PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Type: ${OCI_MANIFEST}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    connection.write(`401\r\n${"x".repeat(1025)}\r\n`);
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n/);
    await connection.closed();
  });
});

describe("the memory for manifests that are being pushed", () => {
  const limits = { manifestsize: 512 * 1024, manifestmemory: 1024 * 1024 };
  const head = "PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 420000\r\n\r\n";

  it("is bounded in total: requests beyond it are answered with 429 and Retry-After, and it is released again", async () => {
    await using api = await startApi({ config: { http: { limits } } });
    const stalled = await Promise.all([1, 2, 3].map(() => connectRaw(api.client.origin)));
    for (const connection of stalled) connection.write(`${head}${" ".repeat(315_000)}`);
    const [refused] = await Promise.all([Promise.race(stalled.map((connection) => connection.received(hasHead)))]);
    expect(refused).toMatch(/^HTTP\/1\.1 429 [^]*\r\nRetry-After: \d+\r\n/);
    expect(refused).toContain('"TOOMANYREQUESTS"');
    const small = await api.client.ask({ method: "PUT", path: "/v2/a/manifests/y", body: "{}" });
    expect(small.code()).toBe("MANIFEST_INVALID");
    for (const connection of stalled) connection[Symbol.dispose]();
    const large = { method: "PUT", path: "/v2/a/manifests/x", body: " ".repeat(500_000) };
    await expect.poll(async () => (await api.client.ask(large)).code()).toBe("MANIFEST_INVALID");
    // Every end gives back what was taken: of a refused manifest, too.
    for (let round = 0; round < 10; round += 1) expect((await api.client.ask(large)).status).toBe(400);
  });

  it("isn't held by a length that a client announces, and small pushes need little", async () => {
    await using api = await startApi({ config: { http: { limits } } });
    const stalled = await Promise.all(Array.from({ length: 10 }, () => connectRaw(api.client.origin)));
    for (const connection of stalled) connection.write(`${head}{`);
    const answer = await api.client.ask({ method: "PUT", path: "/v2/a/manifests/y", body: "{}" });
    expect(answer.code()).toBe("MANIFEST_INVALID");
    for (const connection of stalled) connection[Symbol.dispose]();
  });
});

describe("a client that asks before it sends", () => {
  const ask = (target: string, length: number): string =>
    `PUT ${target} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

  it("gets a 100, once", async () => {
    await using api = await startApi();
    const content = randomContent(300);
    const location = await startUpload(api.client, "a");
    using connection = await connectRaw(api.client.origin);
    connection.write(ask(targetOf(withQuery(location, { digest: content.digest })), 300));
    expect(await connection.received(hasHead)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    connection.write(content.bytes);
    expect(await connection.received((text) => text.includes("201"))).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /,
    );
  });

  it("is refused before it does", async () => {
    await using api = await startApi();
    using connection = await connectRaw(api.client.origin);
    connection.write(ask(`/v2/a/blobs/uploads/x?_state=AAAA&digest=${digestOf("x")}`, 10));
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 404 [^]*\r\nConnection: close\r\n/);
    await connection.closed();
  });
});

describe("a client that stops in the middle", () => {
  it("of a token request's form gets a 408 when the whole takes too long, however steadily it sends", async () => {
    const access: AccessController = {
      name: "test",
      authorize: () => ({ unrestricted: true }),
      tokens: { issue: () => Promise.resolve({ account: "", granted: [], document: {} }) },
      close: () => Promise.resolve(),
    };
    await using api = await startApi({ access, formTimeout: 300 });
    using connection = await connectRaw(api.client.origin);
    const type = "Content-Type: application/x-www-form-urlencoded";
    connection.write(`POST /auth/token HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 60000\r\n\r\n`);
    const sending = setInterval(() => connection.write("a"), 20);
    try {
      expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 408 [^]*\r\nConnection: close\r\n/);
    } finally {
      clearInterval(sending);
    }
  });

  it("of a manifest gets a 408 when the whole takes too long, however steadily it sends", async () => {
    await using api = await startApi({ config: { http: { limits: { manifesttimeout: "300ms" } } } });
    using connection = await connectRaw(api.client.origin);
    connection.write(`PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n`);
    const sending = setInterval(() => connection.write(" "), 20);
    try {
      const text = await connection.received(hasHead);
      expect(text).toMatch(/^HTTP\/1\.1 408 [^]*\r\nConnection: close\r\n/);
    } finally {
      clearInterval(sending);
    }
  });

  it("of a body loses its connection, and what arrived is kept", async () => {
    await using api = await startApi({ config: { http: { limits: { bodyidletimeout: "100ms" } } } });
    const location = await startUpload(api.client, "a");
    using connection = await connectRaw(api.client.origin);
    connection.write(`PATCH ${targetOf(location)} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`);
    const text = await connection.received(hasHead);
    expect(text).toMatch(/^HTTP\/1\.1 408 [^]*\r\nConnection: close\r\n/);
    expect(text).toContain("SIZE_INVALID");
    await connection.closed();
    expect((await api.client.ask({ path: location })).headers.range).toBe("0-2");
  });

  it("of an answer loses its connection", async () => {
    await using api = await startApi({ config: { http: { limits: { bodyidletimeout: "100ms" } } } });
    const content = randomContent(32 * 1024 * 1024);
    await pushBlob(api.client, "a", content);
    const accepted = new Promise<Socket>((resolve) => api.server.once("connection", resolve));
    using connection = await connectRaw(api.client.origin);
    connection.socket.pause();
    connection.write(`GET /v2/a/blobs/${content.digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(await accepted, "close");
    // The other end of a connection that was hung up on, not of one that was read to its end.
    connection.socket.resume();
    expect((await connection.received(() => false)).length).toBeLessThan(content.bytes.length);
  });

  it("may take its time as long as bytes arrive", async () => {
    await using api = await startApi({ config: { http: { limits: { bodyidletimeout: "1s" } } } });
    const location = await startUpload(api.client, "a");
    using connection = await connectRaw(api.client.origin);
    connection.write(`PATCH ${targetOf(location)} HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n`);
    const begun = Date.now();
    for (const byte of "abcdefgh") {
      connection.write(byte);
      // Far less than the limit, and together more.
      await new Promise((resolve) => setTimeout(resolve, 160));
    }
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 202 /);
    expect(Date.now() - begun).toBeGreaterThan(1000);
  });
});

describe("a fault inside", () => {
  it("reveals nothing to the client and logs everything", async () => {
    const lines: [string, LogFields | undefined][] = [];
    const log: Log = {
      error: (message, fields) => void lines.push([message, fields]),
      warn: () => undefined,
      info: () => undefined,
      debug: () => undefined,
      disclose: () => undefined,
      child: () => log,
    };
    await using api = await startApi({ log });
    const { manifest } = await pushImage(api.client, "a", "latest");
    await api.driver.write(
      "/docker/registry/v2/repositories/a/_manifests/tags/latest/current/link",
      Buffer.from("no digest"),
    );
    const answer = await api.client.ask({ path: "/v2/a/manifests/latest" });
    expect([answer.status, answer.code()]).toEqual([500, "UNKNOWN"]);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.[1]).toMatchObject({ "err.code": "UNKNOWN" });
    expect((await api.client.ask({ path: `/v2/a/manifests/${manifest.digest}` })).status).toBe(200);
  });
});

describe("a storage that fails", () => {
  it("in the middle of a small body leaves the connection as it was", async () => {
    const broken = (): Promise<never> => Promise.reject(new Error("the disk is on fire"));
    await using api = await startApi({
      wrapDriver: (inner) => ({
        ...inner,
        async writer(path, options) {
          const writer = await inner.writer(path, options);
          return {
            size: writer.size,
            write: broken,
            close: (call) => writer.close(call),
            commit: (call) => writer.commit(call),
            cancel: (call) => writer.cancel(call),
          };
        },
      }),
    });
    const location = await startUpload(api.client, "a");
    using connection = await connectRaw(api.client.origin);
    connection.write(`PATCH ${targetOf(location)} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\nabc`);
    const text = await connection.received(hasHead);
    expect(text).toMatch(/^HTTP\/1\.1 500 /);
    expect(text).not.toContain("fire");
    // More than the server reads ahead.
    connection.write("x".repeat(199_997));
    connection.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await connection.received((all) => all.endsWith("{}"))).toContain("HTTP/1.1 200 OK");
  });

  it("in the middle of a response breaks the connection, so that no client takes a part for the whole", async () => {
    await using api = await startApi({
      wrapDriver: (inner) => ({
        ...inner,
        async open(path, options) {
          const stream = await inner.open(path, options);
          async function* half(): AsyncGenerator<Uint8Array> {
            for await (const chunk of stream) {
              yield chunk.subarray(0, 10);
              throw new Error("the disk is on fire");
            }
          }
          return { size: stream.size, close: () => stream.close(), [Symbol.asyncIterator]: half };
        },
      }),
    });
    const content = randomContent(100_000);
    await pushBlob(api.client, "a", content);
    using connection = await connectRaw(api.client.origin);
    connection.write(`GET /v2/a/blobs/${content.digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await connection.closed();
    const text = await connection.received(() => true);
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*\r\nContent-Length: 100000\r\n/);
    expect(text.length).toBeLessThan(1000);
  });
});

describe("many uploads at once", () => {
  it("become their blobs", async () => {
    await using api = await startApi({ storage: "filesystem" });
    const contents = Array.from({ length: 24 }, () => randomContent(100_000));
    await Promise.all(contents.map((content) => pushBlob(api.client, "a", content)));
    for (const { bytes, digest } of contents) {
      const answer = expectStatus(await api.client.ask({ path: `/v2/a/blobs/${digest}` }), 200);
      expect(answer.body.equals(bytes)).toBe(true);
    }
  });
});
