import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { INTERNAL_ERROR, SLOW_DOWN, type Fault } from "@longshore/testkit/s3/stand-in/faults";
import type { Operation } from "@longshore/testkit/s3/stand-in/log";
import { startStandIn, type StandIn } from "@longshore/testkit/s3/server";
import { collectBytes } from "@longshore/testkit/streams";
import { createS3Driver } from "../../src/drivers/s3/driver.js";
import { expectFault } from "../contract/driver-contract.js";
import { driverOn, optionsFor } from "./s3-subject.js";

const MIB = 1024 * 1024;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("the S3 driver when things go wrong", () => {
  let server: StandIn;
  let close: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startStandIn();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    server.faults.clear();
    server.log.clear();
    server.clockOffset = 0;
    for (const one of close.splice(0)) await one();
    close = [];
  });

  /** Pauses are skipped in these tests unless stated. */
  const open = async (parameters: Readonly<Record<string, unknown>> = {}, random = () => 0) => {
    const driver = await driverOn(server, parameters, { random });
    close.push(() => driver.close());
    return driver;
  };
  const strike = (operation: Operation, fault: Fault, times = 1) =>
    server.faults.add({ fault, times, when: (request) => request.operation === operation });
  const LOST: Fault = { kind: "lost-answer" };
  const RESET: Fault = { kind: "reset" };

  describe("retryable answers", () => {
    it.each([
      ["500", INTERNAL_ERROR],
      ["503 SlowDown", SLOW_DOWN],
      ["429", { kind: "error", status: 429, code: "TooManyRequests" }],
      ["502 of a proxy", { kind: "error", status: 502, code: "" }],
      ["a reset", RESET],
      ["a lost answer", LOST],
    ] as const)("%s: every call works in the end", async (_, fault) => {
      const driver = await open();
      await driver.write("/a", text("x"));
      for (const operation of [
        "PutObject",
        "GetObject",
        "HeadObject",
        "ListObjectsV2",
        "DeleteObject",
        "CopyObject",
      ] as const)
        strike(operation, fault, 2);
      await driver.write("/a", text("y"));
      expect(Buffer.from(await driver.read("/a")).toString()).toBe("y");
      expect((await driver.stat("/a")).size).toBe(1);
      expect((await driver.list("/")).names).toEqual(["a"]);
      await driver.move("/a", "/b");
      expect((await driver.list("/")).names).toEqual(["b"]);
      expect(Buffer.from(await driver.read("/b")).toString()).toBe("y");
    });

    it("to a part, and to the end of a multipart upload, which may have taken effect nonetheless", async () => {
      const driver = await open({ chunksize: 5 * MIB });
      const bytes = randomBytes(12 * MIB);
      for (const fault of [INTERNAL_ERROR, RESET, LOST]) {
        for (const operation of ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] as const) {
          strike(operation, fault);
        }
        const writer = await driver.writer("/u/data");
        await writer.write(Buffer.from(bytes));
        await writer.commit();
        expect(Buffer.compare(await collectBytes(await driver.open("/u/data")), bytes)).toBe(0);
        server.faults.clear();
        await driver.delete("/u/data");
      }
    });

    it("to a versioned write whose answer was lost are recognised as written", async () => {
      const driver = await open();
      strike("PutObject", LOST);
      expect(await driver.writeVersioned("/state", text("one"), undefined)).toEqual({ written: true });
      const { version } = await driver.readVersioned("/state");
      strike("PutObject", LOST);
      expect(await driver.writeVersioned("/state", text("two"), version)).toEqual({ written: true });
      expect(await driver.writeVersioned("/state", text("three"), version)).toEqual({ written: false });
    });

    it("that persist mean unavailable after so many attempts, with a time to retry, and never unknown", async () => {
      const driver = await open({ maxattempts: 3, circuitthreshold: 0 });
      await driver.write("/a", text("x"));
      for (const fault of [INTERNAL_ERROR, SLOW_DOWN, RESET]) {
        const rule = server.faults.add({ fault });
        for (const call of [
          () => driver.read("/a"),
          () => driver.stat("/a"),
          () => driver.open("/a"),
          () => driver.list("/"),
          () => driver.write("/a", text("y")),
          () => driver.delete("/a"),
        ]) {
          await expect(call()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", fault: { retryAfter: 5 } });
        }
        expect(rule.hits).toBe(3 * 6);
        rule.remove();
      }
      expect(Buffer.from(await driver.read("/a")).toString()).toBe("x");
    });

    it("are retried only within the deadline, and not after the caller has gone", async () => {
      const driver = await open({ maxattempts: 100, retrydeadline: "100ms", circuitthreshold: 0 }, () => 0.99);
      const rule = server.faults.add({ fault: INTERNAL_ERROR });
      await expectFault(driver.read("/a"), "STORAGE_UNAVAILABLE");
      expect(rule.hits).toBeLessThan(3);
      const patient = await open({ circuitthreshold: 0 }, () => 0.99);
      const controller = new AbortController();
      const reading = patient.read("/a", { signal: controller.signal });
      await expect.poll(() => rule.hits).toBeGreaterThan(2);
      const reason = new Error("gone");
      controller.abort(reason);
      await expect(reading).rejects.toBe(reason);
    });
  });

  describe("a storage that is down", () => {
    it("isn't called for a while, then once, then by all again", async () => {
      const options = await optionsFor(server, { maxattempts: 3, circuitthreshold: 3, circuittime: "10s" });
      let now = 0;
      const driver = createS3Driver(options, { now: () => now, random: () => 0 });
      close.push(() => driver.close());
      await driver.write("/a", text("x"));
      const rule = server.faults.add({ fault: INTERNAL_ERROR });
      await expectFault(driver.read("/a"), "STORAGE_UNAVAILABLE");
      expect(rule.hits).toBe(3);
      now = 4000;
      await expect(driver.read("/a")).rejects.toMatchObject({ fault: { code: "STORAGE_UNAVAILABLE", retryAfter: 6 } });
      expect(rule.hits).toBe(3);
      now = 10_000;
      const both = await Promise.allSettled([driver.read("/a"), driver.read("/a")]);
      expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(rule.hits).toBe(4);
      rule.remove();
      now = 20_000;
      expect(Buffer.from(await driver.read("/a")).toString()).toBe("x");
      await Promise.all([driver.read("/a"), driver.read("/a")]);
    });
  });

  it("is given up on after the request timeout if it is silent", async () => {
    const driver = await open({ requesttimeout: "1s", maxattempts: 2 });
    server.faults.add({ fault: { kind: "stall", milliseconds: 60_000 } });
    await expectFault(driver.read("/a"), "STORAGE_UNAVAILABLE");
    server.faults.clear();
    await expectFault(driver.read("/a"), "PATH_NOT_FOUND");
  });

  it("is reached even if the clock is an hour off", async () => {
    for (const offset of [60 * 60 * 1000, -60 * 60 * 1000]) {
      server.clockOffset = offset;
      const driver = await open();
      await driver.write("/a", text("x"));
      expect(Buffer.from(await driver.read("/a")).toString()).toBe("x");
      server.log.clear();
      await driver.read("/a");
      // The offset is known by now: one request, one answer.
      expect(server.log.counts()).toEqual({ GetObject: 1 });
      const url = await driver.redirectUrl("/a", { method: "GET" });
      expect((await fetch(url ?? "")).status).toBe(200);
    }
  });

  describe("a stream", () => {
    const bytes = randomBytes(3 * MIB + 17);
    it.each([
      ["reset", { kind: "reset-in-body", after: MIB }],
      ["cut short", { kind: "truncate", after: MIB }],
      ["that stalls", { kind: "stall-in-body", after: MIB, milliseconds: 60_000 }],
    ] as const)("%s goes on where it was", async (_, fault) => {
      const driver = await open({ requesttimeout: "1s" });
      await driver.write("/big", bytes);
      for (const [start, end] of [
        [0, undefined],
        [12_345, undefined],
        [7, 3 * MIB],
      ] as const) {
        server.log.clear();
        strike("GetObject", fault, 2);
        const copy = await collectBytes(await driver.open("/big", { start, end }));
        expect(Buffer.compare(copy, bytes.subarray(start, (end ?? bytes.length) + 1))).toBe(0);
        expect(server.log.counts()).toEqual({ GetObject: 3 });
        expect(server.log.requests.at(-1)?.headers.get("if-match")).toMatch(/^"/);
      }
    });

    it("never continues with other content", async () => {
      const driver = await open();
      for (const replace of [() => driver.write("/big", randomBytes(bytes.length)), () => driver.delete("/big")]) {
        await driver.write("/big", bytes);
        strike("GetObject", { kind: "reset-in-body", after: MIB });
        const stream = await driver.open("/big");
        await replace();
        await expect(collectBytes(stream)).rejects.toMatchObject({ name: "StorageError" });
      }
    });

    it("that keeps breaking without a byte is given up", async () => {
      const driver = await open({ maxattempts: 4 });
      await driver.write("/big", bytes);
      const rule = strike("GetObject", { kind: "reset-in-body", after: 0 }, 1000);
      const reading = async () => collectBytes(await driver.open("/big"));
      await expectFault(reading(), "STORAGE_UNAVAILABLE");
      // Each of four attempts to resume may have taken four requests.
      expect(rule.hits).toBeGreaterThanOrEqual(4);
      expect(rule.hits).toBeLessThanOrEqual(16);
    });

    it("whose consumer is slow isn't mistaken for a stalled one", async () => {
      const driver = await open({ requesttimeout: "1s" });
      await driver.write("/big", bytes);
      server.log.clear();
      const iterator = (await driver.open("/big"))[Symbol.asyncIterator]();
      const chunks = [Buffer.from((await iterator.next()).value ?? [])];
      const paused = Date.now();
      await expect.poll(() => Date.now() - paused).toBeGreaterThan(2000);
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        chunks.push(Buffer.from(next.value));
      }
      expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
      expect(server.log.counts()).toEqual({ GetObject: 1 });
    });

    it("ends a pending read of the storage when it is closed", async () => {
      const driver = await open();
      await driver.write("/big", bytes);
      strike("GetObject", { kind: "stall-in-body", after: MIB, milliseconds: 60_000 });
      const stream = await driver.open("/big");
      const iterator = stream[Symbol.asyncIterator]();
      for (let read = 0; read < MIB;) {
        const chunk: IteratorResult<Uint8Array, unknown> = await iterator.next();
        read += chunk.done === true ? MIB : chunk.value.length;
      }
      const waiting = iterator.next();
      await stream.close();
      expect((await waiting).done).toBe(true);
    });
  });

  describe("requests that can't succeed", () => {
    it("a missing bucket isn't a missing file", async () => {
      const driver = await open({ bucket: "never-made" });
      for (const call of [
        () => driver.stat("/a"),
        () => driver.stat("/a", { fileOnly: true }),
        () => driver.read("/a"),
        () => driver.list("/"),
        () => driver.write("/a", text("x")),
        () => driver.move("/a", "/b"),
      ]) {
        await expectFault(call(), "DRIVER_ERROR");
      }
    });
    it("wrong keys are reported with the permission to check, and nothing secret", async () => {
      const secretkey = "not/the+right=secret";
      for (const wrong of [{ secretkey }, { accesskey: "NOBODY", secretkey }]) {
        const driver = await open(wrong);
        const error: unknown = await driver.read("/a").catch((cause: unknown) => cause);
        expect(error).toMatchObject({ code: "DRIVER_ERROR", fault: { obstacle: "denied" } });
        const cause = error instanceof Error ? error.cause : undefined;
        const all = JSON.stringify([cause, cause instanceof Error ? [cause.message, cause.stack] : ""]);
        expect(all).toMatch(/GetObject: (SignatureDoesNotMatch|InvalidAccessKeyId) \(HTTP 403/);
        expect(all).not.toContain(secretkey);
        expect(all).not.toMatch(/AWS4-HMAC|Signature=|[0-9a-f]{64}/);
      }
    });
  });

  it("an abandoned upload leaves nothing", async () => {
    const driver = await open({ chunksize: 5 * MIB, maxattempts: 1 });
    server.faults.add({
      fault: { kind: "error", status: 400, code: "InvalidPart" },
      when: ({ operation, query }) => operation === "UploadPart" && query.get("partNumber") === "2",
    });
    const writer = await driver.writer("/u/data");
    const writing = async (): Promise<void> => {
      for (let part = 0; part < 30; part += 1) await writer.write(randomBytes(MIB));
      await writer.commit();
    };
    await expectFault(writing(), "DRIVER_ERROR");
    await writer.close();
    const later = new Date(Date.now() + 60_000);
    expect(await driver.abortUnfinished("/", later)).toEqual({ aborted: 0 });
    await expectFault(driver.stat("/u/data"), "PATH_NOT_FOUND");
  });
});
