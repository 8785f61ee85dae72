import { describe, expect, it } from "vitest";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { observeDriver, type DriverObserver } from "../../src/drivers/observed.js";
import { StorageError } from "../../src/errors.js";
import { driverContract } from "../contract/driver-contract.js";

const SILENT: DriverObserver = { call: () => undefined, bytes: () => undefined, open: () => undefined };

driverContract("inmemory, observed", {
  create: () => Promise.resolve(observeDriver(createInMemoryDriver(), SILENT)),
  destroy: (driver) => driver.close(),
});

/** An observer that records its calls, without the times. */
function recorder(): { observer: DriverObserver; told: string[] } {
  const told: string[] = [];
  const observer: DriverObserver = {
    call: (operation, seconds, fault) => {
      expect(seconds).toBeGreaterThanOrEqual(0);
      told.push(fault === undefined ? operation : `${operation}: ${fault}`);
    },
    bytes: (direction, count) => void told.push(`${count} ${direction}`),
    open: (kind, change) => void told.push(`${kind} ${change}`),
  };
  return { observer, told };
}

describe("an observed driver", () => {
  it("reports every call, bytes in both directions, and streams until they end", async () => {
    const { observer, told } = recorder();
    const driver = observeDriver(createInMemoryDriver(), observer);
    await driver.write("/a", new Uint8Array(3));
    await driver.read("/a");
    const writer = await driver.writer("/b");
    await writer.write(new Uint8Array(5));
    await writer.commit();
    await writer.close();
    const stream = await driver.open("/b", { start: 1 });
    for await (const chunk of stream) expect(chunk.byteLength).toBe(4);
    await stream.close();
    await stream.close();
    await driver.stat("/a");
    await driver.list("/");
    await driver.move("/a", "/c");
    await driver.delete("/c");
    expect(told).toEqual([
      "PutContent",
      "3 written",
      "GetContent",
      "3 read",
      "Writer",
      "writer 1",
      "5 written",
      "writer -1",
      "Reader",
      "reader 1",
      "4 read",
      "reader -1",
      "Stat",
      "List",
      "Move",
      "Delete",
    ]);
  });

  it("reports a fault by its kind; missing files and aborted callers aren't faults", async () => {
    const { observer, told } = recorder();
    const below = createInMemoryDriver();
    const fault = new StorageError({ code: "STORAGE_UNAVAILABLE", driver: "s3aws", retryAfter: 1 });
    const gone = new Error("the client is gone");
    const failing = [fault, new TypeError("a slip"), gone];
    const driver = observeDriver({ ...bind(below), stat: () => Promise.reject(failing.shift() ?? gone) }, observer);
    await expect(driver.read("/none")).rejects.toThrow();
    await expect(driver.open("/none")).rejects.toThrow();
    await expect(driver.stat("/")).rejects.toBe(fault);
    await expect(driver.stat("/")).rejects.toThrow("a slip");
    await expect(driver.stat("/", { signal: AbortSignal.abort(gone) })).rejects.toBe(gone);
    expect(told).toEqual(["GetContent", "Reader", "Stat: storage_unavailable", "Stat: other", "Stat"]);
  });
});

/** A driver's calls as plain functions, so that they can be replaced. */
function bind(driver: ReturnType<typeof createInMemoryDriver>) {
  return observeDriver(driver, SILENT);
}
