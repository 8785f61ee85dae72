import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Fault, Faults } from "@longshore/testkit/s3/stand-in/faults";
import { collectBytes } from "@longshore/testkit/streams";
import type { StorageDriver } from "../../src/contract/driver.js";
import type { ObjectStorage } from "../../src/contract/object-storage.js";
import { expectFault } from "../contract/driver-contract.js";

const MIB = 1024 * 1024;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const RESET: Fault = { kind: "reset" };
const LOST: Fault = { kind: "lost-answer" };

/** A request as the server sees it. */
interface SeenRequest {
  readonly operation: string;
}

/** The server of a driver, which can be told to fail. */
interface FaultyServer {
  readonly faults: Pick<Faults<SeenRequest>, "add" | "clear">;
  /** Its requests of each operation since `clear`. */
  counts(): Readonly<Partial<Record<string, number>>>;
  clear(): void;
  /** What the last request has as the condition that the content is still the same. */
  lastCondition(): unknown;
}

/** A driver over object storage, and the names that its service has for what it does. */
export interface FaultySubject {
  readonly server: () => FaultyServer;
  /** A driver over a new bucket. Pauses between attempts are skipped. */
  readonly open: (
    parameters?: Readonly<Record<string, unknown>>,
    surroundings?: { readonly now?: () => number },
  ) => Promise<StorageDriver & ObjectStorage>;
  readonly busy: Fault & { readonly kind: "error" };
  readonly internal: Fault;
  /** Other answers of the service that mean that it is worth another attempt. */
  readonly further?: readonly (readonly [title: string, fault: Fault])[];
  /** The parameters for so many attempts. */
  readonly attempts: (count: number) => Readonly<Record<string, unknown>>;
  /** Writing, reading, looking at, listing, removing and copying small files. */
  readonly small: readonly string[];
  /** A large file in parts, its end, and a copy of it; and the parameters with which 12 MiB are large. */
  readonly large: readonly string[];
  readonly largeParameters: Readonly<Record<string, unknown>>;
  readonly put: string;
  readonly get: string;
}

/** What a driver over object storage does when its service answers with errors, breaks or stalls. */
export function objectFaults(subject: FaultySubject): void {
  const { open, busy: BUSY, internal: INTERNAL, attempts } = subject;
  const close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    subject.server().faults.clear();
    for (const one of close.splice(0)) await one();
  });
  const strike = (operation: string, fault: Fault, times = 1) =>
    subject.server().faults.add({ fault, times, when: (request) => request.operation === operation });
  const opened: FaultySubject["open"] = async (...given) => {
    const driver = await open(...given);
    close.push(() => driver.close());
    return driver;
  };
  const readText = async (driver: StorageDriver, path: string) => Buffer.from(await driver.read(path)).toString();

  it.each([
    ["500", INTERNAL],
    [`503 ${BUSY.code}`, BUSY],
    ["502 of a proxy", { kind: "error", status: 502, code: "" } as const],
    ["a reset", RESET],
    ["a lost answer", LOST],
    ...(subject.further ?? []),
  ] as const)("%s: every call works in the end", async (_, fault) => {
    const driver = await opened();
    await driver.write("/a", text("x"));
    for (const operation of subject.small) strike(operation, fault, 2);
    await driver.write("/a", text("y"));
    expect(await readText(driver, "/a")).toBe("y");
    expect((await driver.stat("/a")).size).toBe(1);
    expect((await driver.list("/")).names).toEqual(["a"]);
    await driver.move("/a", "/b");
    expect((await driver.list("/")).names).toEqual(["b"]);
    expect(await readText(driver, "/b")).toBe("y");
  });

  it("parts, and the end of a write in parts, which may have taken effect nonetheless", async () => {
    const driver = await opened(subject.largeParameters);
    const bytes = randomBytes(12 * MIB);
    for (const fault of [INTERNAL, RESET, LOST]) {
      for (const operation of subject.large) strike(operation, fault);
      const writer = await driver.writer("/u/data");
      await writer.write(Buffer.from(bytes));
      await writer.commit();
      await driver.compose([{ path: "/u/data", size: bytes.length }], "/copy");
      expect(Buffer.compare(await collectBytes(await driver.open("/copy")), bytes)).toBe(0);
      subject.server().faults.clear();
      await driver.delete("/u/data");
    }
  });

  it("a versioned write whose answer was lost is recognised as written", async () => {
    const driver = await opened();
    strike(subject.put, LOST);
    expect(await driver.writeVersioned("/state", text("one"), undefined)).toEqual({ written: true });
    const { version } = await driver.readVersioned("/state");
    strike(subject.put, LOST);
    expect(await driver.writeVersioned("/state", text("two"), version)).toEqual({ written: true });
    expect(await driver.writeVersioned("/state", text("three"), version)).toEqual({ written: false });
  });

  it("what persists means unavailable after so many attempts, with a time to retry, and never unknown", async () => {
    const driver = await opened({ ...attempts(3), circuitthreshold: 0 });
    await driver.write("/a", text("x"));
    for (const fault of [INTERNAL, BUSY, RESET]) {
      const rule = subject.server().faults.add({ fault });
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
    const driver = await opened({ circuitthreshold: 0, retrydeadline: "10s" });
    await driver.write("/a", text("x"));
    strike(subject.get, { ...BUSY, retryAfter: 1 });
    const started = performance.now();
    expect(await readText(driver, "/a")).toBe("x");
    expect(performance.now() - started).toBeGreaterThan(900);
    strike(subject.get, { ...BUSY, retryAfter: 90 });
    await expect(driver.read("/a")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", fault: { retryAfter: 90 } });
  });

  it("a service that is down isn't called for a while, then once, then by all again", async () => {
    let now = 0;
    const driver = await opened({ ...attempts(3), circuitthreshold: 3, circuittime: "10s" }, { now: () => now });
    await driver.write("/a", text("x"));
    const rule = subject.server().faults.add({ fault: INTERNAL });
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
    expect(await readText(driver, "/a")).toBe("x");
    await Promise.all([driver.read("/a"), driver.read("/a")]);
  });

  it("a silent service is given up on after the request timeout, and a caller that goes away at once", async () => {
    const driver = await opened({ requesttimeout: "1s", ...attempts(2) });
    await driver.write("/a", text("x"));
    const stall = subject.server().faults.add({ fault: { kind: "stall", milliseconds: 60_000 } });
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
      const driver = await opened({ requesttimeout: "1s" });
      await driver.write("/big", bytes);
      for (const [start, end] of [
        [0, undefined],
        [12_345, undefined],
        [7, 3 * MIB],
      ] as const) {
        subject.server().clear();
        strike(subject.get, fault, 2);
        const copy = await collectBytes(await driver.open("/big", { start, end }));
        expect(Buffer.compare(copy, bytes.subarray(start, (end ?? bytes.length) + 1))).toBe(0);
        expect(subject.server().counts()).toEqual({ [subject.get]: 3 });
        expect(subject.server().lastCondition()).toBeTruthy();
      }
    });

    it("never continues with other content", async () => {
      const driver = await opened();
      for (const replace of [() => driver.write("/big", randomBytes(bytes.length)), () => driver.delete("/big")]) {
        await driver.write("/big", bytes);
        strike(subject.get, { kind: "reset-in-body", after: MIB });
        const stream = await driver.open("/big");
        await replace();
        await expect(collectBytes(stream)).rejects.toMatchObject({ name: "StorageError" });
      }
    });
  });
}

/** A large file of which a part is refused for good, so that the driver gives its upload up: nothing of it is left. */
export async function abandonUpload(driver: StorageDriver & ObjectStorage): Promise<void> {
  const writer = await driver.writer("/u/data");
  const writing = async (): Promise<void> => {
    for (let part = 0; part < 30; part += 1) await writer.write(randomBytes(MIB));
    await writer.commit();
  };
  await expectFault(writing(), "DRIVER_ERROR");
  await writer.close();
  expect(await driver.abortUnfinished("/", new Date(Date.now() + 60_000))).toEqual({ aborted: 0 });
  await expectFault(driver.stat("/u/data"), "PATH_NOT_FOUND");
}
