import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { INTERNAL_ERROR, SLOW_DOWN, type Fault } from "@longshore/testkit/s3/stand-in/faults";
import type { Operation } from "@longshore/testkit/s3/stand-in/log";
import { startStandIn, type StandIn } from "@longshore/testkit/s3/server";
import { collectBytes } from "@longshore/testkit/streams";
import type { S3Surroundings } from "../../src/drivers/s3/driver.js";
import { expectFault } from "../contract/driver-contract.js";
import { abandonUpload, objectFaults } from "./object-faults.js";
import { driverOn } from "./s3-subject.js";

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
  const open = async (parameters: Readonly<Record<string, unknown>> = {}, surroundings: S3Surroundings = {}) => {
    const driver = await driverOn(server, parameters, { random: () => 0, ...surroundings });
    close.push(() => driver.close());
    return driver;
  };
  const strike = (operation: Operation, fault: Fault, times = 1) =>
    server.faults.add({ fault, times, when: (request) => request.operation === operation });

  const small: readonly Operation[] = [
    "PutObject",
    "GetObject",
    "HeadObject",
    "ListObjectsV2",
    "DeleteObject",
    "CopyObject",
  ];
  const large: readonly Operation[] = [
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPartCopy",
    "CompleteMultipartUpload",
  ];
  objectFaults({
    server: () => ({
      faults: server.faults,
      counts: () => server.log.counts(),
      clear: () => server.log.clear(),
      lastCondition: () => server.log.requests.at(-1)?.headers.get("if-match"),
    }),
    open,
    busy: SLOW_DOWN,
    internal: INTERNAL_ERROR,
    further: [["429", { kind: "error", status: 429, code: "TooManyRequests" }]],
    attempts: (count) => ({ maxattempts: count }),
    small,
    large,
    largeParameters: { chunksize: 5 * MIB },
    put: "PutObject",
    get: "GetObject",
  });

  it("retries are made only within the deadline, and not after the caller has gone", async () => {
    const driver = await open(
      { maxattempts: 100, retrydeadline: "100ms", circuitthreshold: 0 },
      { random: () => 0.99 },
    );
    const rule = server.faults.add({ fault: INTERNAL_ERROR });
    await expectFault(driver.read("/a"), "STORAGE_UNAVAILABLE");
    expect(rule.hits).toBeLessThan(3);
    const patient = await open({ circuitthreshold: 0 }, { random: () => 0.99 });
    const controller = new AbortController();
    const reading = patient.read("/a", { signal: controller.signal });
    await expect.poll(() => rule.hits).toBeGreaterThan(2);
    const reason = new Error("gone");
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
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
    await abandonUpload(driver);
  });
});
