import { createDriver, parseRepositoryName, type StorageDriver } from "@longshore/storage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStateFile, STATE_PATH, type StateFile } from "../../src/retention/state-file.js";
import { createUsageLog, type UsageLog } from "../../src/retention/usage-log.js";
import { sha256 } from "../fake-upstream.js";

const WEEK = 168 * 3_600_000;
const NAME = parseRepositoryName("library/app");
const DIGEST = sha256("content");

describe("the state file", () => {
  let driver: StorageDriver;
  let file: StateFile;
  const corrupt: unknown[] = [];
  beforeEach(async () => {
    driver = await createDriver("inmemory", {});
    file = openStateFile(driver, WEEK, (error) => corrupt.push(error));
  });
  afterEach(() => driver.close());

  it("is read as Distribution writes it", async () => {
    const key = `${NAME}@${DIGEST}`;
    // What docker-registry 2.8 wrote in proxy mode.
    const text = `{"${key}":{"Key":"${key}","ExpiryData":"2026-12-06T03:00:00.123456789Z","EntryType":1}}`;
    await driver.write(STATE_PATH, Buffer.from(text));
    const fetched = Date.parse("2026-11-29T03:00:00.123Z");
    const lastUse = async (ttl: number): Promise<number[]> => {
      const read = await openStateFile(
        driver,
        ttl,
        (error) => corrupt.push(error),
        () => fetched + 1000,
      ).read();
      return [...read.values()].map((entry) => entry.lastUse);
    };
    expect(await lastUse(WEEK)).toEqual([fetched]);
    // With a shorter time it goes that much after it is first seen, and not only when Distribution would have removed it.
    expect(await lastUse(WEEK / 7)).toEqual([fetched + 1000]);
    // With a longer one as Distribution would have: when it was fetched isn't known then.
    expect(await lastUse(2 * WEEK)).toEqual([fetched - WEEK]);
    expect([...(await file.read()).values()]).toMatchObject([{ name: NAME, digest: DIGEST, kind: "manifest" }]);
  });

  it("is written as Distribution reads it", async () => {
    const lastUse = Date.parse("2026-11-29T03:00:00Z");
    await file.write(new Map([[`${NAME}@${DIGEST}`, { name: NAME, digest: DIGEST, kind: "blob", lastUse }]]));
    const written: unknown = JSON.parse(Buffer.from(await driver.read(STATE_PATH)).toString());
    expect(written).toEqual({
      [`${NAME}@${DIGEST}`]: {
        Key: `${NAME}@${DIGEST}`,
        ExpiryData: "2026-12-06T03:00:00.000Z",
        EntryType: 0,
        LastUse: "2026-11-29T03:00:00.000Z",
      },
    });
  });

  it.each(["", "{", "[]", '{"a":1}'])("is moved aside where it is %j", async (text) => {
    corrupt.length = 0;
    await driver.write(STATE_PATH, Buffer.from(text));
    expect((await file.read()).size).toBe(0);
    expect(corrupt).toHaveLength(1);
    expect(Buffer.from(await driver.read("/scheduler-state.corrupt.json")).toString()).toBe(text);
  });

  it("gets back what another process wrote over", async () => {
    const failures: unknown[] = [];
    const open = (): UsageLog =>
      createUsageLog(file, {
        now: Date.now,
        interval: 3_600_000,
        grain: 0,
        onFailure: (error) => failures.push(error),
      });
    const [one, other] = [open(), open()];
    one.note(NAME, "blob", DIGEST);
    await one.flush();
    // As if the other had read before that.
    await file.write(new Map());
    other.note(NAME, "blob", sha256("other"));
    await other.flush();
    await one.flush();
    expect([...(await file.read()).values()].map(({ digest }) => digest).sort()).toEqual(
      [DIGEST, sha256("other")].sort(),
    );
    await one.close();
    await other.close();
    expect(failures).toEqual([]);
  });
});
