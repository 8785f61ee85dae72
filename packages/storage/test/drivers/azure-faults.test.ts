import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startAzurite, type Azurite } from "@longshore/testkit/azure/azurite";
import { startAzureFront, type AzureFront } from "@longshore/testkit/azure/front";
import type { AzureOperation } from "@longshore/testkit/azure/operations";
import type { Fault } from "@longshore/testkit/s3/stand-in/faults";
import { collectBytes } from "@longshore/testkit/streams";
import { describePeers } from "@longshore/testkit/peers";
import { azureDriverOn } from "./azure-subject.js";
import { expectFault } from "../contract/driver-contract.js";

const MIB = 1024 * 1024;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const BUSY: Fault = { kind: "error", status: 503, code: "ServerBusy" };
const INTERNAL: Fault = { kind: "error", status: 500, code: "InternalError" };
const RESET: Fault = { kind: "reset" };
const LOST: Fault = { kind: "lost-answer" };

describePeers("the Azure driver when things go wrong", ["azurite"], () => {
  let azurite: Azurite;
  let front: AzureFront;
  let close: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    azurite = await startAzurite();
    front = await startAzureFront(azurite);
  });
  afterAll(async () => {
    await front.stop();
    await azurite.stop();
  });
  afterEach(async () => {
    front.faults.clear();
    for (const one of close.splice(0)) await one();
    close = [];
  });

  /** Pauses are skipped in these tests unless stated. */
  const open = async (
    parameters: Readonly<Record<string, unknown>> = {},
    surroundings: Parameters<typeof azureDriverOn>[3] = {},
  ) => {
    // In Distribution's place, so that nothing is asked first.
    const container = await azurite.newContainer();
    const given = { legacyrootprefix: false, ...parameters };
    const driver = azureDriverOn(front, container, given, { random: () => 0, ...surroundings });
    close.push(() => driver.close());
    return Object.assign(driver, { container });
  };
  const strike = (operation: AzureOperation, fault: Fault, times = 1) =>
    front.faults.add({ fault, times, when: (request) => request.operation === operation });
  const readText = async (driver: { read(path: string): Promise<Uint8Array> }, path: string) =>
    Buffer.from(await driver.read(path)).toString();

  it.each([
    ["500", INTERNAL],
    ["503 ServerBusy", BUSY],
    ["502 of a proxy", { kind: "error", status: 502, code: "" }],
    ["a reset", RESET],
    ["a lost answer", LOST],
  ] as const)("%s: every call works in the end", async (_, fault) => {
    const driver = await open();
    await driver.write("/a", text("x"));
    for (const operation of [
      ...(["PutBlob", "GetBlob", "GetBlobProperties", "ListBlobs", "DeleteBlob", "PutBlobFromURL"] as const),
    ])
      strike(operation, fault, 2);
    await driver.write("/a", text("y"));
    expect(await readText(driver, "/a")).toBe("y");
    expect((await driver.stat("/a")).size).toBe(1);
    expect((await driver.list("/")).names).toEqual(["a"]);
    await driver.move("/a", "/b");
    expect((await driver.list("/")).names).toEqual(["b"]);
    expect(await readText(driver, "/b")).toBe("y");
  });

  it("blocks, and the end of a list of blocks, which may have taken effect nonetheless", async () => {
    const driver = await open({ chunksize: 5 * MIB, copychunksize: 5 * MIB });
    const bytes = randomBytes(12 * MIB);
    for (const fault of [INTERNAL, RESET, LOST]) {
      for (const operation of ["PutBlock", "PutBlockFromURL", "PutBlockList"] as const) strike(operation, fault);
      const writer = await driver.writer("/u/data");
      await writer.write(Buffer.from(bytes));
      await writer.commit();
      await driver.compose([{ path: "/u/data", size: bytes.length }], "/copy");
      expect(Buffer.compare(await collectBytes(await driver.open("/copy")), bytes)).toBe(0);
      front.faults.clear();
      await driver.delete("/u/data");
    }
  });

  it("a versioned write whose answer was lost is recognised as written", async () => {
    const driver = await open();
    strike("PutBlob", LOST);
    expect(await driver.writeVersioned("/state", text("one"), undefined)).toEqual({ written: true });
    const { version } = await driver.readVersioned("/state");
    strike("PutBlob", LOST);
    expect(await driver.writeVersioned("/state", text("two"), version)).toEqual({ written: true });
    expect(await driver.writeVersioned("/state", text("three"), version)).toEqual({ written: false });
  });

  it("what persists means unavailable after so many attempts, with a time to retry, and never unknown", async () => {
    const driver = await open({ max_retries: 2, circuitthreshold: 0 });
    await driver.write("/a", text("x"));
    for (const fault of [INTERNAL, BUSY, RESET]) {
      const rule = front.faults.add({ fault });
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
    expect(await readText(driver, "/a")).toBe("x");
  });

  it("the service's Retry-After is heeded, and passed on where it is too long", async () => {
    const driver = await open({ circuitthreshold: 0, retrydeadline: "10s" });
    await driver.write("/a", text("x"));
    strike("GetBlob", { ...BUSY, retryAfter: 1 });
    const started = performance.now();
    expect(await readText(driver, "/a")).toBe("x");
    expect(performance.now() - started).toBeGreaterThan(900);
    strike("GetBlob", { ...BUSY, retryAfter: 90 });
    await expect(driver.read("/a")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", fault: { retryAfter: 90 } });
  });

  it("a service that is down isn't called for a while, then once, then by all again", async () => {
    let now = 0;
    const driver = await open({ max_retries: 2, circuitthreshold: 3, circuittime: "10s" }, { now: () => now });
    await driver.write("/a", text("x"));
    const rule = front.faults.add({ fault: INTERNAL });
    await expectFault(driver.read("/a"), "STORAGE_UNAVAILABLE");
    now = 4000;
    await expect(driver.read("/a")).rejects.toMatchObject({ fault: { code: "STORAGE_UNAVAILABLE", retryAfter: 6 } });
    expect(rule.hits).toBe(3);
    rule.remove();
    now = 20_000;
    expect(await readText(driver, "/a")).toBe("x");
  });

  it("a silent service is given up on after the request timeout, and a caller that goes away at once", async () => {
    const driver = await open({ requesttimeout: "1s", max_retries: 1 });
    const stall = front.faults.add({ fault: { kind: "stall", milliseconds: 60_000 } });
    await expectFault(driver.read("/a"), "STORAGE_UNAVAILABLE");
    const before = stall.hits;
    const controller = new AbortController();
    const reading = driver.read("/a", { signal: controller.signal });
    await expect.poll(() => stall.hits).toBe(before + 1);
    const reason = new Error("gone");
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
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
        front.clear();
        strike("GetBlob", fault, 2);
        const copy = await collectBytes(await driver.open("/big", { start, end }));
        expect(Buffer.compare(copy, bytes.subarray(start, (end ?? bytes.length) + 1))).toBe(0);
        expect(front.counts()).toEqual({ GetBlob: 3 });
        expect(front.requests.at(-1)?.headers["if-match"]).toMatch(/^"/);
      }
    });

    it("never continues with other content", async () => {
      const driver = await open();
      for (const replace of [() => driver.write("/big", randomBytes(bytes.length)), () => driver.delete("/big")]) {
        await driver.write("/big", bytes);
        strike("GetBlob", { kind: "reset-in-body", after: MIB });
        const stream = await driver.open("/big");
        await replace();
        await expect(collectBytes(stream)).rejects.toMatchObject({ name: "StorageError" });
      }
    });
  });

  it("copies into one blob at the same time all succeed, although the first that ends discards the blocks of others", async () => {
    const driver = await open({ copychunksize: 5 * MIB });
    const bytes = randomBytes(11 * MIB);
    await driver.write("/source", bytes);
    const source = { path: "/source", size: bytes.length };
    await Promise.all(Array.from({ length: 4 }, () => driver.compose([source], "/copy")));
    expect(Buffer.compare(await collectBytes(await driver.open("/copy")), bytes)).toBe(0);
    // Whatever the order was: another write completes the blob between the blocks and their list.
    const stall = strike("PutBlockList", { kind: "stall", milliseconds: 300 });
    const copying = driver.compose([source], "/copy");
    await expect.poll(() => stall.hits).toBe(1);
    await driver.compose([source], "/copy");
    await copying;
    expect(front.counts().PutBlockList).toBeGreaterThan(6);
    expect(await driver.abortUnfinished("/", new Date(Date.now() + 60_000))).toEqual({ aborted: 0 });
  }, 180_000);

  describe("what the operator has to do is said", () => {
    const causeOf = async (call: Promise<unknown>): Promise<string> => {
      const error: unknown = await call.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    };

    it("about a container that doesn't exist, which is no missing file", async () => {
      const driver = await open();
      await azurite.client.deleteContainer(driver.container);
      for (const call of [
        () => driver.stat("/a", { fileOnly: true }),
        () => driver.read("/a"),
        () => driver.write("/a", text("x")),
        () => driver.list("/"),
        () => driver.delete("/a", { fileOnly: true }),
      ]) {
        await expectFault(call(), "DRIVER_ERROR");
        expect(await causeOf(call())).toMatch(/ContainerNotFound .*create the container, or check the container and/);
      }
    });

    it("about a wrong key, which no message contains", async () => {
      const key = Buffer.from("wrong").toString("base64");
      const driver = azureDriverOn({ ...front, key }, await azurite.newContainer());
      close.push(() => driver.close());
      await expect(driver.read("/a")).rejects.toMatchObject({ fault: { code: "DRIVER_ERROR", obstacle: "denied" } });
      expect(await causeOf(driver.read("/a"))).toMatch(/AuthorizationFailure .*check/);
      strike("GetBlob", { kind: "error", status: 403, code: "AuthenticationFailed" });
      const real = await open();
      expect(await causeOf(real.read("/a"))).toMatch(
        /check that accountkey is a key of accountname, and this machine's clock/,
      );
      expect(await causeOf(driver.read("/a"))).not.toContain(key);
    });

    it("about TLS where the service speaks plain HTTP", async () => {
      const serviceUrl = front.serviceUrl.replace("http:", "https:");
      const driver = azureDriverOn({ ...front, serviceUrl }, "container", { max_retries: -1 });
      close.push(() => driver.close());
      const error: unknown = await driver.read("/a").catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(JSON.stringify(error instanceof Error ? String(error.cause) : "")).toContain(
        "begin serviceurl with http://",
      );
    });
  });
});
