import { createDriver, openRecords, type CollectResult } from "@longshore/storage";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CollectionConfig } from "../../src/config/config.js";
import { openDesk, type MaintenanceDesk } from "../../src/maintenance/desk.js";
import { openRuns } from "../../src/maintenance/runs.js";
import { silentLog } from "../../src/observability/log.js";
import { startCollecting } from "../../src/server/jobs/garbage-collection.js";
import { firstWait } from "../../src/server/jobs/schedule.js";

const HOUR = 3_600_000;

const config: CollectionConfig = {
  enabled: true,
  interval: 24 * HOUR,
  graceperiod: HOUR,
  deleteuntagged: { enabled: false, age: 0 },
  dryrun: false,
};

const RESULT: CollectResult = {
  marked: 3,
  eligibleBlobs: 1,
  eligibleManifests: 0,
  removedBlobs: 1,
  removedManifests: 0,
  removedLinks: 1,
  freedBytes: 7,
  young: 0,
  youngBytes: 0,
  problems: 0,
};

/** Where runs are written down isn't seen here. */
async function deskUntil(stop: AbortSignal): Promise<MaintenanceDesk> {
  return openDesk({ runs: openRuns(openRecords(await createDriver("inmemory", {}))), log: silentLog, stop });
}

describe("scheduled collections", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("begin at the time of day that is configured, in UTC", () => {
    const at = (time: string) =>
      firstWait({ ...config, timeofday: "03:30" }, Date.parse(`2026-11-23T${time}Z`), () => 0);
    expect(at("03:00:00")).toBe(HOUR / 2);
    expect(at("03:30:00")).toBe(0);
    expect(at("04:30:00")).toBe(23 * HOUR);
  });

  it("begin after up to an hour, or an interval, where none is", () => {
    expect(firstWait(config, 0, () => 0.5)).toBe(HOUR / 2);
    expect(firstWait({ ...config, interval: 1000 }, 0, () => 0.5)).toBe(500);
  });

  it("run on the interval, also after one that failed, and end with the server", async () => {
    const ended: (CollectResult | undefined)[] = [];
    let calls = 0;
    const stop = new AbortController();
    startCollecting(
      config,
      () => {
        calls += 1;
        return calls === 1 ? Promise.reject(new Error("the disk fails")) : Promise.resolve(RESULT);
      },
      {
        desk: await deskUntil(stop.signal),
        log: silentLog,
        stop: stop.signal,
        random: () => 0,
        metrics: { ended: (_seconds, result) => ended.push(result) },
      },
    );
    await vi.advanceTimersByTimeAsync(0);
    expect(ended).toEqual([undefined]);
    await vi.advanceTimersByTimeAsync(24 * HOUR);
    expect(ended).toEqual([undefined, RESULT]);
    stop.abort();
    await vi.advanceTimersByTimeAsync(48 * HOUR);
    expect(ended).toHaveLength(2);
  });

  it("keep their time of day, however long they take", async () => {
    vi.setSystemTime(Date.parse("2026-11-23T03:00:00Z"));
    const begun: string[] = [];
    const takes = [HOUR, 30 * HOUR, 0];
    const collect = async (): Promise<CollectResult> => {
      begun.push(new Date().toISOString());
      await new Promise((resolve) => setTimeout(resolve, takes[begun.length - 1]));
      return RESULT;
    };
    const stop = new AbortController();
    const desk = await deskUntil(stop.signal);
    startCollecting({ ...config, timeofday: "03:30" }, collect, { desk, log: silentLog, stop: stop.signal });
    await vi.advanceTimersByTimeAsync(96 * HOUR);
    stop.abort();
    expect(begun).toEqual(["2026-11-23T03:30:00.000Z", "2026-11-24T03:30:00.000Z", "2026-11-26T03:30:00.000Z"]);
  });

  it("begin when what they come after has ended", async () => {
    const collect = vi.fn(() => Promise.resolve(RESULT));
    const stop = new AbortController();
    let end = (): void => undefined;
    const retention = new Promise<void>((resolve) => (end = resolve));
    const desk = await deskUntil(stop.signal);
    startCollecting(config, collect, {
      desk,
      log: silentLog,
      stop: stop.signal,
      random: () => 0,
      after: () => retention,
    });
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(collect).not.toHaveBeenCalled();
    end();
    await vi.advanceTimersByTimeAsync(0);
    expect(collect).toHaveBeenCalled();
    stop.abort();
  });

  it("don't run unless they are enabled", async () => {
    const collect = vi.fn(() => Promise.resolve(RESULT));
    const stop = new AbortController();
    startCollecting({ ...config, enabled: false }, collect, {
      desk: await deskUntil(stop.signal),
      log: silentLog,
      stop: stop.signal,
      random: () => 0,
    });
    await vi.advanceTimersByTimeAsync(48 * HOUR);
    expect(collect).not.toHaveBeenCalled();
  });
});
