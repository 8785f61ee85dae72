import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { passwordLine } from "../auth/support.js";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { runLength, seedOf } from "@longshore/testkit/run-length";
import { startRegistry } from "@longshore/testkit/start-registry";
import { startLoad, type LoadSettings } from "./load.js";
import { processesOf, riseOf, takeSample, type Sample } from "./samples.js";

/** s of load, after the warm-up. An hour: `SOAK_SECONDS=3600`. */
const SECONDS = runLength({ short: 8, long: 300, variable: "SOAK_SECONDS" });
/** s in which caches fill and code is compiled. */
const WARM_UP = Math.min(30, Math.max(4, SECONDS / 5));
const SAMPLES = 60;
const SEED = seedOf("SOAK_SEED");
const PATIENCE = 3 * (SECONDS + WARM_UP) * 1000 + 240_000;

/**
 * MiB by which the floor of a process's memory may rise from one half of the load to the other. A request that leaves a few KiB
 * behind is beyond it within five minutes, a few hundred bytes within an hour.
 */
const GROWTH = 40;
/** s of load below which memory shows only how code warms up. */
const TELLING = 120;

const PASSWORD = "a long password";

it(
  "a registry of two workers holds no more memory, descriptors and files after a mixed load than before it",
  async () => {
    await using folder = await makeTemporaryFolder("soak");
    const temporary = join(folder.path, "tmp");
    await mkdir(temporary);
    await writeFile(join(folder.path, "htpasswd"), passwordLine("soaker", PASSWORD));
    const root = join(folder.path, "data");
    await using registry = await startRegistry({
      root,
      env: { TMPDIR: temporary },
      config: {
        log: { accesslog: { disabled: true } },
        http: { workers: 2 },
        auth: { htpasswd: { realm: "Soak", path: join(folder.path, "htpasswd") } },
        access: [
          { name: "soaker", type: "repository", action: ["*"] },
          { name: "soaker", type: "registry", action: ["*"] },
          { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
        ],
      },
    });
    const load: LoadSettings = { url: registry.url, user: "soaker", password: PASSWORD, seed: SEED, clients: 8 };
    const pids = await processesOf(registry.pid);
    expect(pids).toHaveLength(3);

    const warming = startLoad(load);
    await delay(WARM_UP * 1000);
    await warming.end();
    const idle = await settled(pids);

    const samples: Sample[] = [];
    const soaking = startLoad({ ...load, seed: SEED + 1000 });
    const started = performance.now();
    for (let number = 1; number <= SAMPLES; number += 1) {
      await delay(started + (number * SECONDS * 1000) / SAMPLES - performance.now());
      samples.push(await takeSample(pids, (performance.now() - started) / 1000));
    }
    await soaking.end();
    const after = await settled(pids, idle.descriptors);

    const growth = pids.map((_, index) => riseOf(samples.map(({ memory }) => memory[index] ?? 0)));
    report({ idle, samples, after, growth, counts: soaking.counts });

    expect([...warming.faults, ...soaking.faults]).toEqual([]);
    expect(await processesOf(registry.pid)).toEqual(pids);
    expect(after.descriptors).toBeLessThanOrEqual(idle.descriptors);
    expect(await readdir(temporary)).toEqual([]);
    expect(await leftovers(root)).toEqual([]);
    if (SECONDS >= TELLING) expect(Math.max(...growth)).toBeLessThan(GROWTH);
  },
  PATIENCE,
);

/** What is held once connections are closed: by then descriptors are no more than `most`, or stay more. */
async function settled(pids: readonly number[], most = 0): Promise<Sample> {
  let before = await takeSample(pids, 0);
  // Without a limit to come below, two equal looks in a row will do; with one, there is time for it.
  for (let look = 0; look < 60; look += 1) {
    await delay(250);
    const now = await takeSample(pids, 0);
    if (now.descriptors <= most || (most === 0 && look > 8 && now.descriptors === before.descriptors)) return now;
    before = now;
  }
  return before;
}

/** Upload sessions, and files that only an unfinished write has. */
async function leftovers(root: string): Promise<readonly string[]> {
  const names = await readdir(root, { recursive: true });
  return names.filter((name) => /\/_uploads\/.|\.tmp$|\/\.[^/]+$/.test(name));
}

interface Findings {
  readonly idle: Sample;
  readonly samples: readonly Sample[];
  readonly after: Sample;
  readonly growth: readonly number[];
  readonly counts: ReadonlyMap<string, number>;
}

function report({ idle, samples, after, growth, counts }: Findings): void {
  const line = ({ memory, descriptors }: Sample): string =>
    `${memory.map((each) => `${each.toFixed(0)} MiB`).join(", ")}; ${descriptors} descriptors`;
  const things = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
  console.log(
    [
      `soak: SOAK_SEED=${SEED}, ${SECONDS} s; resident memory of the primary and its workers`,
      `  idle before: ${line(idle)}`,
      ...samples.filter((_, index) => index % 6 === 5).map((sample) => `  ${sample.at.toFixed(0)} s: ${line(sample)}`),
      `  idle after: ${line(after)}`,
      `  floor of the second half over that of the first: ${growth.map((each) => `${each >= 0 ? "+" : ""}${each.toFixed(1)} MiB`).join(", ")}`,
      `  done: ${things.map(([name, count]) => `${name} ${count}`).join(", ")}`,
    ].join("\n"),
  );
}
