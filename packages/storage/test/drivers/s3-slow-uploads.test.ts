import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startStandIn, type StandIn } from "@longshore/testkit/s3/server";
import { collectBytes } from "@longshore/testkit/streams";
import { createBufferBudget, type BufferHolder } from "../../src/drivers/objects/buffer-budget.js";
import { createUploads } from "../../src/store/uploads/uploads.js";
import { bodyOf, digestBy, expectBlob, heldBody, NAME } from "../store/uploads/support.js";
import { driverOn } from "./s3-subject.js";

const KIB = 1024;
const MIB = 1024 * KIB;

// Only the driver's clock and pauses are faked; the sockets run in real time.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

describe("uploads whose clients are slow", () => {
  let server: StandIn;
  beforeAll(async () => {
    server = await startStandIn();
  });
  afterAll(() => server.stop());
  afterEach(() => server.log.clear());

  /** A driver with room for two parts, two medium buffers and eight small ones. */
  const open = (parameters: Readonly<Record<string, unknown>> = {}) =>
    driverOn(server, { chunksize: 5 * MIB, uploadbuffers: 16 * MIB, ...parameters });
  type Driver = Awaited<ReturnType<typeof open>>;

  /** Starts `count` uploads that send `bytes` each and then nothing. */
  const stall = async (driver: Driver, count: number, bytes: Uint8Array) => {
    const writers = await Promise.all(Array.from({ length: count }, (_, index) => driver.writer(`/stalled/${index}`)));
    let settled = 0;
    const writes = writers.map(async (writer) => {
      await writer.write(Buffer.from(bytes));
      settled += 1;
    });
    return { writers, writes, settled: () => settled };
  };

  it.each([
    ["100 KiB", 100 * KIB, 20, 8],
    ["300 KiB", 300 * KIB, 6, 2],
    ["1.5 MiB", 1.5 * MIB, 6, 2],
  ])("that stall after %s don't stop a healthy one, and what they sent is kept", async (_, length, count, atOnce) => {
    const driver = await open();
    const few = randomBytes(length);
    const { writers, writes, settled } = await stall(driver, count, few);
    await expect.poll(settled).toBe(atOnce);

    const bytes = randomBytes(12 * MIB);
    const healthy = await driver.writer("/healthy");
    let done = 0;
    const pushing = healthy
      .write(Buffer.from(bytes))
      .then(() => healthy.commit())
      .then(() => {
        done = 1;
      });
    for (let admitted = 2 * atOnce; done === 0; admitted += atOnce) {
      await vi.advanceTimersByTimeAsync(4000);
      // Those that were admitted, in turn; the healthy one is the last.
      const progressed = (): boolean => (admitted > count ? done === 1 : settled() >= admitted);
      await expect.poll(progressed).toBe(true);
      // It is served after all others, and no later.
      expect(admitted).toBeLessThan(count + 4 * atOnce);
    }
    await pushing;
    expect(Buffer.compare(await collectBytes(await driver.open("/healthy")), bytes)).toBe(0);

    await Promise.all(writes);
    const [first, second] = writers;
    await expect(first?.write(Buffer.from("x"))).rejects.toMatchObject({ fault: { code: "STORAGE_UNAVAILABLE" } });
    await first?.commit();
    expect(Buffer.compare(await collectBytes(await driver.open("/stalled/0")), few)).toBe(0);
    await second?.cancel();
    await expect(driver.stat("/stalled/1")).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
    for (const writer of writers.slice(2)) await writer.cancel();
    await driver.close();
  });

  it("and break off leave sessions that can be resumed from what arrived", async () => {
    const driver = await open();
    const uploads = createUploads(driver).store(NAME);
    const bytes = randomBytes(900 * KIB);
    const few = bytes.subarray(0, 300 * KIB);
    const stalled = await Promise.all(
      [1, 2].map(async () => {
        const { uuid } = await uploads.start();
        const held = heldBody({ offset: 0 });
        const appending = uploads.append(uuid, held.body);
        await held.send(Buffer.from(few));
        return { uuid, held, appending };
      }),
    );
    const { uuid } = await uploads.start();
    const pushing = uploads.append(uuid, bodyOf(bytes));
    // Both medium buffers are taken: it waits, which takes two timers, until a stalled upload has released its own.
    const sent = (): boolean => (server.log.counts().UploadPart ?? 0) > 0;
    while (!sent()) {
      await expect.poll(() => sent() || vi.getTimerCount() === 2).toBe(true);
      if (!sent()) await vi.advanceTimersByTimeAsync(1000);
    }
    expect(await pushing).toMatchObject({ size: bytes.length });
    const broken = new Error("the client has gone");
    for (const { uuid: one, held, appending } of stalled) {
      held.fail(broken);
      await expect(appending).rejects.toBe(broken);
      await uploads.append(one, { ...bodyOf(bytes.subarray(few.length)), offset: few.length });
    }
    for (const one of [uuid, ...stalled.map((each) => each.uuid)])
      await uploads.commit(one, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
    await driver.close();
  });

  it("continue if what they have is enough for a part", async () => {
    const driver = await open({ chunksize: 10 * MIB });
    const bytes = randomBytes(7 * MIB);
    const slow = await driver.writer("/slow");
    await slow.write(Buffer.from(bytes));
    const other = await driver.writer("/other");
    let written = false;
    const writing = other.write(Buffer.from(bytes)).then(() => {
      written = true;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(written).toBe(false);
    await vi.advanceTimersByTimeAsync(10_000);
    await writing;
    await slow.write(Buffer.from(bytes));
    await slow.commit();
    expect(Buffer.compare(await collectBytes(await driver.open("/slow")), Buffer.concat([bytes, bytes]))).toBe(0);
    await other.cancel();
    await driver.close();
  });
});

describe("a budget of memory", () => {
  const now = (): number => performance.now();
  const holderOf = (progress: () => number | undefined) => {
    const letGo = vi.fn(() => true);
    return { progress, letGo } satisfies BufferHolder;
  };

  it("makes no one wait longer than its limit", async () => {
    const budget = createBufferBudget(10, { driver: "s3aws", limit: 5000, now });
    const held = await budget.take(() => 10, undefined, undefined);
    const late = expect(budget.take(() => 10, undefined, undefined)).rejects.toMatchObject({
      fault: { code: "STORAGE_UNAVAILABLE", retryAfter: 5 },
    });
    await vi.advanceTimersByTimeAsync(5000);
    await late;
    expect(budget.waiting).toBe(0);
    budget.give(held);
    budget.give(await budget.take(() => 10, undefined, undefined));
    expect(budget.used).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes from the slowest uploads as much as the waiting ones need", async () => {
    const budget = createBufferBudget(50, { driver: "s3aws", limit: 60_000, now });
    const start = now();
    const brisk = holderOf(() => Math.min(1, (now() - start) / 10_000));
    const slow = holderOf(() => 0.1);
    const slower = holderOf(() => 0.05);
    const slowest = holderOf(() => 0);
    const busy = holderOf(() => undefined);
    const holders = [brisk, slow, slower, slowest, busy];
    const buffers = await Promise.all(holders.map((holder) => budget.take(() => 10, undefined, holder)));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(holders.flatMap(({ letGo }) => letGo.mock.calls)).toHaveLength(0);
    for (const [index, holder] of holders.entries()) {
      holder.letGo.mockImplementation(() => {
        const buffer = buffers[index];
        if (buffer !== undefined) budget.send(buffer);
        return true;
      });
    }
    const taking = [1, 2].map(() => budget.take(() => 10, undefined, undefined));
    await vi.advanceTimersByTimeAsync(2999);
    expect(slowest.letGo).not.toHaveBeenCalled();
    // A release is already pending: another check takes no more.
    await vi.advanceTimersByTimeAsync(5000);
    expect(holders.map(({ letGo }) => letGo.mock.calls.length)).toEqual([0, 0, 1, 1, 0]);
    for (const buffer of buffers) budget.give(buffer);
    for (const buffer of await Promise.all(taking)) budget.give(buffer);
    expect(budget.used).toBe(0);
  });
});
