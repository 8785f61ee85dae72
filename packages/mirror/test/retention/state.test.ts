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
    const lastUse = Date.parse("2026-11-29T03:00:00.123Z");
    expect([...(await file.read()).values()]).toEqual([{ name: NAME, digest: DIGEST, kind: "manifest", lastUse }]);
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
