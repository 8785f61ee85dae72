import { expect, it } from "vitest";
import type { Run } from "../../src/maintenance/run.js";
import { untilIdle } from "../../src/maintenance/until-idle.js";

const STARTED = "2026-11-23T03:00:00.000Z";
const running: Run = {
  id: "1",
  job: "retention",
  state: "running",
  dryRun: false,
  started: STARTED,
  updated: STARTED,
};

it("a job waits for another one that any replica runs, and not for its dry runs", async () => {
  const seen: Run[][] = [[running], [running], [{ ...running, state: "done" }]];
  const runs = { list: () => Promise.resolve(seen.shift() ?? []) };
  await untilIdle("retention", { runs, stop: new AbortController().signal, every: 1 });
  expect(seen).toEqual([]);
  seen.push(
    [
      { ...running, dryRun: true },
      { ...running, job: "collection" },
    ],
    [running],
  );
  await untilIdle("retention", { runs, stop: new AbortController().signal, every: 1 });
  expect(seen).toHaveLength(1);
});

it("a job doesn't wait when the registry stops, or when it can't be known what runs", async () => {
  const failing = { list: () => Promise.reject(new Error("the storage is away")) };
  await untilIdle("retention", { runs: failing, stop: new AbortController().signal, every: 1 });
  await untilIdle("retention", { runs: failing, stop: AbortSignal.abort() });
});
