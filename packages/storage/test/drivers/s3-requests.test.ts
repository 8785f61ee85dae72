import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startStandIn, type StandIn } from "@longshore/testkit/s3/server";
import { collectBytes } from "@longshore/testkit/streams";
import { driverOn } from "./s3-subject.js";

const MIB = 1024 * 1024;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("the S3 driver's requests", () => {
  let server: StandIn;
  const close: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startStandIn();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const one of close.splice(0)) await one();
    server.faults.clear();
  });
  const open = async (parameters: Readonly<Record<string, unknown>> = {}) => {
    const driver = await driverOn(server, parameters);
    close.push(() => driver.close());
    return driver;
  };
  const during = async (action: () => Promise<unknown>) => {
    server.log.clear();
    await action();
    return server.log.counts();
  };

  it("are as few as possible, with no listing for a file", async () => {
    const driver = await open();
    await driver.write("/d/a", text("x"));
    await driver.stat("/d/a");
    expect(await during(() => driver.read("/d/a"))).toEqual({ GetObject: 1 });
    expect(await during(() => driver.write("/d/a", text("y")))).toEqual({ PutObject: 1 });
    expect(await during(() => driver.stat("/d/a"))).toEqual({ HeadObject: 1 });
    expect(await during(() => driver.stat("/d/b", { fileOnly: true }).catch(() => undefined))).toEqual({
      HeadObject: 1,
    });
    expect(await during(() => driver.delete("/d/b", { fileOnly: true }))).toEqual({ DeleteObject: 1 });
    expect(await during(async () => collectBytes(await driver.open("/d/a")))).toEqual({ GetObject: 1 });
    expect(await during(() => driver.redirectUrl("/d/a", { method: "GET" }))).toEqual({});
    expect(await during(() => driver.list("/d"))).toEqual({ ListObjectsV2: 1 });
    expect(await during(() => driver.readVersioned("/d/a"))).toEqual({ GetObject: 1 });
    expect(await during(() => driver.writeVersioned("/d/c", text("x"), undefined))).toEqual({ PutObject: 1 });
    const many = Array.from({ length: 1500 }, (_, index) => `/m/${index}`);
    expect(await during(() => driver.deleteFiles(many))).toEqual({ DeleteObjects: 2 });
    expect(await during(() => driver.compose([{ path: "/d/a", size: 1 }], "/d/e"))).toEqual({ CopyObject: 1 });
  });

  it("of a writer: one for a small file, parts for a large one, and copies of what it appends to", async () => {
    const driver = await open();
    const write = async (append: boolean, bytes: Uint8Array): Promise<void> => {
      const writer = await driver.writer("/w", { append });
      for (let at = 0; at < bytes.length; at += 64 * 1024) await writer.write(bytes.slice(at, at + 64 * 1024));
      await writer.commit();
    };
    const bytes = randomBytes(25 * MIB);
    expect(await during(() => write(false, bytes.subarray(0, MIB)))).toEqual({ PutObject: 1 });
    expect(await during(() => write(true, bytes.subarray(MIB, 2 * MIB)))).toEqual({
      ...{ HeadObject: 1, GetObject: 1, PutObject: 1 },
    });
    expect(await during(() => write(false, bytes))).toEqual({
      ...{ CreateMultipartUpload: 1, UploadPart: 3, CompleteMultipartUpload: 1 },
    });
    expect(await during(() => write(true, text("more")))).toEqual({
      ...{ HeadObject: 1, CreateMultipartUpload: 1, UploadPartCopy: 1, UploadPart: 1, CompleteMultipartUpload: 1 },
    });
    const whole = Buffer.concat([bytes, text("more")]);
    expect(Buffer.compare(await collectBytes(await driver.open("/w")), whole)).toBe(0);
    const copies = await open({ multipartcopychunksize: 5 * MIB, multipartcopythresholdsize: 0 });
    await copies.write("/w", bytes);
    // The fifth of 5 MiB each would be too small with a byte less than 25 MiB.
    for (const [size, parts] of [
      [25 * MIB, 5],
      [25 * MIB - 1, 4],
    ] as const) {
      await copies.write("/w", bytes.subarray(0, size));
      expect(await during(() => copies.compose([{ path: "/w", size }], "/x"))).toEqual({
        ...{ CreateMultipartUpload: 1, UploadPartCopy: parts, CompleteMultipartUpload: 1 },
      });
    }
  });

  it("carry what the configuration asks for", async () => {
    const strict = await startStandIn({ sessionToken: "the token" });
    close.push(() => strict.stop());
    const driver = await driverOn(strict, {
      ...{ storageclass: "STANDARD_IA", objectacl: "bucket-owner-full-control", useragent: "my-registry/1" },
      ...{ multipartcopythresholdsize: 0, sessiontoken: "the token" },
    });
    close.push(() => driver.close());
    await driver.write("/a", randomBytes(6 * MIB));
    await driver.compose([{ path: "/a", size: 6 * MIB }], "/b");
    for (const operation of ["PutObject", "CreateMultipartUpload"]) {
      const headers = strict.log.requests.find((request) => request.operation === operation)?.headers;
      expect(headers?.get("content-type")).toBe("application/octet-stream");
      expect(headers?.get("x-amz-storage-class")).toBe("STANDARD_IA");
      expect(headers?.get("x-amz-acl")).toBe("bucket-owner-full-control");
      expect(headers?.get("x-amz-security-token")).toBe("the token");
      expect(headers?.get("user-agent")).toContain("my-registry/1");
      expect(headers?.has("x-amz-server-side-encryption")).toBe(false);
    }
    const encrypted = await open({ encrypt: true, keyid: "a-key", storageclass: "NONE" });
    server.log.clear();
    // Whether or not the service supports it: what matters is what was requested.
    await encrypted.write("/a", text("x")).catch(() => undefined);
    const headers = server.log.requests[0]?.headers;
    expect(headers?.get("x-amz-server-side-encryption")).toBe("aws:kms");
    expect(headers?.get("x-amz-server-side-encryption-aws-kms-key-id")).toBe("a-key");
    expect(headers?.has("x-amz-storage-class")).toBe(false);
  });

  it("of clients that are redirected to the storage are signed, for one method and a limited time", async () => {
    const driver = await open({ redirectexpiry: "90s" });
    await driver.write("/a", text("hello"));
    const url = new URL((await driver.redirectUrl("/a", { method: "GET" })) ?? "");
    expect(url.searchParams.get("X-Amz-Expires")).toBe("90");
    expect(url.searchParams.get("X-Amz-SignedHeaders")).toBe("host");
    expect(await (await fetch(url)).text()).toBe("hello");
    expect((await fetch(url, { headers: { range: "bytes=1-2" } })).status).toBe(206);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(403);
    const head = (await driver.redirectUrl("/a", { method: "HEAD" })) ?? "";
    expect((await fetch(head, { method: "HEAD" })).headers.get("content-length")).toBe("5");
    server.clockOffset = 120_000;
    expect((await fetch(url)).status).toBe(403);
    server.clockOffset = 0;
  });

  it("stop when the caller of a copy goes away, and leave no parts", async () => {
    const driver = await open({ multipartcopythresholdsize: 0, multipartcopychunksize: 5 * MIB });
    await driver.write("/a", randomBytes(12 * MIB));
    const stall = server.faults.add({
      fault: { kind: "stall", milliseconds: 60_000 },
      when: ({ operation }) => operation === "UploadPartCopy",
    });
    const controller = new AbortController();
    const copying = driver.compose([{ path: "/a", size: 12 * MIB }], "/b", { signal: controller.signal });
    await expect.poll(() => stall.hits).toBe(2);
    const reason = new Error("gone");
    controller.abort(reason);
    await expect(copying).rejects.toBe(reason);
    expect(await driver.abortUnfinished("/", new Date(Date.now() + 60_000))).toEqual({ aborted: 0 });
  });

  it("abort an upload that is given up while it starts", async () => {
    const driver = await open({ chunksize: 5 * MIB });
    const stall = server.faults.add({
      fault: { kind: "stall", milliseconds: 200 },
      when: ({ operation }) => operation === "CreateMultipartUpload",
    });
    const counts = await during(async () => {
      const writer = await driver.writer("/given-up");
      await writer.write(randomBytes(6 * MIB));
      await expect.poll(() => stall.hits).toBe(1);
      await writer.cancel();
    });
    expect(counts).toEqual({ CreateMultipartUpload: 1, AbortMultipartUpload: 1 });
    expect(await driver.abortUnfinished("/", new Date(Date.now() + 60_000))).toEqual({ aborted: 0 });
  });

  it("leave no socket open once the driver is closed", async () => {
    const sockets = new Set<Socket>();
    const note = (message: unknown): void => {
      if (message instanceof Object && "socket" in message && message.socket instanceof Socket)
        sockets.add(message.socket);
    };
    subscribe("net.client.socket", note);
    try {
      const driver = await driverOn(server);
      await Promise.all(["/a", "/b", "/c"].map((path) => driver.write(path, text("x"))));
      await driver.write("/d", text("x"));
      expect(sockets.size).toBe(3);
      expect([...sockets].map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
      await driver.close();
      await expect.poll(() => [...sockets].map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
    } finally {
      unsubscribe("net.client.socket", note);
    }
  });
});
