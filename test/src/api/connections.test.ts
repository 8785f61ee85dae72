import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
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
} from "../support/fixtures.js";
import { connectRaw, type RawConnection } from "../support/http-client.js";
import { startApi } from "../support/start-registry.js";

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
    await using api = await startApi({ options: { manifestMaxBytes: 1000 } });
    using connection = await connectRaw(api.client.origin);
    connection.write(
      `PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Type: ${OCI_MANIFEST}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    connection.write(`3e9\r\n${"x".repeat(1001)}\r\n`);
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n/);
    await connection.closed();
  });
});

describe("a client that asks before it sends", () => {
  const ask = (target: string, length: number): string =>
    `PUT ${target} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

  it("is told to go on, once", async () => {
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
  it("of a body loses its connection, and what came is kept", async () => {
    await using api = await startApi({ options: { bodyIdleTimeout: 100 } });
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
    await using api = await startApi({ options: { sendTimeout: 100 } });
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
    await using api = await startApi({ options: { bodyIdleTimeout: 200 } });
    const location = await startUpload(api.client, "a");
    using connection = await connectRaw(api.client.origin);
    connection.write(`PATCH ${targetOf(location)} HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n`);
    const begun = Date.now();
    for (const byte of "abcdefgh") {
      connection.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(await connection.received(hasHead)).toMatch(/^HTTP\/1\.1 202 /);
    expect(Date.now() - begun).toBeGreaterThan(400);
  });
});

describe("a fault inside", () => {
  it("tells the client nothing and the log everything", async () => {
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

  it("in the middle of an answer breaks the connection, so that nobody takes a part for the whole", async () => {
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
