import { createDriver, openRecords } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import {
  JobRunningError,
  openDesk,
  type Figures,
  type JobRun,
  type MaintenanceDesk,
} from "../../src/maintenance/desk.js";
import { openRuns, type Runs } from "../../src/maintenance/runs.js";
import { silentLog } from "../../src/observability/log.js";

interface Opened {
  readonly desk: MaintenanceDesk;
  readonly runs: Runs;
  readonly stop: AbortController;
  /** ms; what the runs' clock shows. */
  readonly clock: { now: number };
}

async function open(): Promise<Opened> {
  const clock = { now: Date.parse("2026-11-29T12:00:00Z") };
  const runs = openRuns(openRecords(await createDriver("inmemory", {})), () => clock.now);
  const stop = new AbortController();
  return { desk: openDesk({ runs, log: silentLog, stop: stop.signal }), runs, stop, clock };
}

interface HeldJob {
  readonly job: (run: JobRun) => Promise<Figures>;
  /** Resolves when it runs. */
  readonly begun: Promise<JobRun>;
  readonly end: (figures: Figures) => void;
  readonly fail: (error: Error) => void;
}

/** A job that ends when the test says so. */
function heldJob(): HeldJob {
  let end: HeldJob["end"] = () => undefined;
  let fail: HeldJob["fail"] = () => undefined;
  const held = new Promise<Figures>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  let begin: (run: JobRun) => void = () => undefined;
  const begun = new Promise<JobRun>((resolve) => (begin = resolve));
  const job = (run: JobRun): Promise<Figures> => {
    begin(run);
    run.signal.addEventListener("abort", () => fail(new Error("stopped")));
    return held;
  };
  return { job, begun, end: (figures) => end(figures), fail: (error) => fail(error) };
}

describe("runs of a job", () => {
  it("are written down from the beginning to the result, with who asked", async () => {
    const { desk, runs } = await open();
    const { job, begun, end } = heldJob();
    desk.serve("collection", job);
    const requested = await desk.request("collection", { dryRun: true, startedBy: "ann" });
    expect(requested?.isNew).toBe(true);
    const id = requested?.id ?? "";
    expect(await runs.read(id)).toMatchObject({
      id,
      job: "collection",
      state: "running",
      dryRun: true,
      startedBy: "ann",
    });
    (await begun).progress({ phase: "mark", done: 7 });
    end({ removedBlobs: 3 });
    await expect
      .poll(() => runs.read(id))
      .toMatchObject({ state: "done", progress: { done: 7 }, result: { removedBlobs: 3 } });
  });

  it("are one at a time: a second request finds the first", async () => {
    const { desk } = await open();
    const { job, begun, end } = heldJob();
    desk.serve("collection", job);
    const [first, second] = await Promise.all([
      desk.request("collection", { dryRun: false }),
      desk.request("collection", { dryRun: false }),
    ]);
    expect([first?.isNew, second?.isNew, second?.id]).toEqual([true, false, first?.id]);
    await begun;
    await expect(desk.run("collection", { dryRun: false }, job)).rejects.toThrow(JobRunningError);
    end({});
    await expect.poll(async () => (await desk.request("collection", { dryRun: true }))?.isNew).toBe(true);
  });

  it("aren't replaced by a dry run: a scheduled one waits for its end", async () => {
    const { desk, runs } = await open();
    const [dry, real] = [heldJob(), heldJob()];
    desk.serve("collection", dry.job);
    const asked = await desk.request("collection", { dryRun: true });
    await dry.begun;
    const scheduled = desk.run("collection", { dryRun: false }, real.job);
    await expect(desk.run("collection", { dryRun: true }, real.job)).rejects.toThrow(JobRunningError);
    expect(await runs.list()).toHaveLength(1);
    dry.fail(new Error("the disk is full"));
    expect((await real.begun).dryRun).toBe(false);
    expect(await runs.read(asked?.id ?? "")).toMatchObject({ dryRun: true, state: "failed" });
    real.end({});
    await scheduled;
  });

  it("say that they failed, or were stopped", async () => {
    const { desk, runs, stop } = await open();
    const failing = heldJob();
    const failed = desk.run("collection", { dryRun: false }, failing.job);
    await failing.begun;
    failing.fail(new Error("the disk is full"));
    await expect(failed).rejects.toThrow("the disk is full");
    const halted = heldJob();
    const stopped = desk.run("collection", { dryRun: false }, halted.job);
    await halted.begun;
    stop.abort(new Error("the registry stops"));
    await expect(stopped).rejects.toThrow();
    const states = (await runs.list()).map(({ state, error }) => [state, error]);
    expect(states).toEqual(
      expect.arrayContaining([
        ["failed", "the disk is full"],
        ["stopped", undefined],
      ]),
    );
    expect(await desk.request("collection", { dryRun: false })).toBeUndefined();
  });

  it("count as stopped when their process is silent for a minute", async () => {
    const { runs, clock } = await open();
    const { id } = await runs.begin("collection", { dryRun: false });
    clock.now += 61_000;
    expect(await runs.read(id)).toMatchObject({ state: "stopped" });
  });

  it("are listed newest first, however soon one follows another", async () => {
    const { runs, clock } = await open();
    const ids: string[] = [];
    for (let count = 0; count < 20; count += 1) {
      clock.now += 1;
      ids.unshift((await runs.begin("collection", { dryRun: false })).id);
    }
    expect((await runs.list()).map(({ id }) => id)).toEqual(ids);
  });

  it("are forgotten in the order of their age, and ids of other kinds find nothing", async () => {
    const { runs, clock } = await open();
    for (let count = 0; count < 60; count += 1) {
      clock.now += 1000;
      await (await runs.begin("collection", { dryRun: false })).end({ state: "done" });
    }
    const listed = await runs.list();
    expect(listed).toHaveLength(50);
    expect(listed[0]?.started).toBe(new Date(clock.now).toISOString());
    expect(await runs.read("../keys/signing")).toBeUndefined();
    expect(await runs.read("unknown")).toBeUndefined();
  });
});
