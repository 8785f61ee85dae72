import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runLength, seedOf } from "@longshore/testkit/run-length";
import { inOne } from "@longshore/testkit/streams";
import type { Registry } from "../../src/contract/registry.js";
import { nodeCalls, type FileCalls } from "../../src/drivers/filesystem/calls.js";
import { createFilesystemDriver } from "../../src/drivers/filesystem/driver.js";
import { isStorageError } from "../../src/errors.js";
import { digestOf } from "../../src/model/digest.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { purgeUploads } from "../../src/store/uploads/purge.js";
import { repository } from "../store/support.js";
import { ALL_LOST, layOut, REMOVALS_KEPT, treeAfter, type Loss } from "./disk.js";
import { createRecorder, type Recorder } from "./recorder.js";
import { play, type BegunUpload } from "./scenario.js";
import { World } from "./world.js";

/*
 * Records the calls of two workers to the file system. Then the power fails after each of these calls, with all the trees
 * that may be on the disk then (disk.ts), as many as time allows: on each, a registry starts, serves what was acknowledged
 * and accepts every push once more. POWER_LOSS_SEED repeats a run, POWER_LOSS_TREES sets the number of trees.
 */

const SEED = seedOf("POWER_LOSS_SEED");
const TREES = runLength({ short: 50, long: 3000, variable: "POWER_LOSS_TREES" });

/** Small, fast, and reproducible for a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Calls on a machine whose power stays on: a tree that is only inspected needs no sync. */
const UNSYNCED: FileCalls = {
  ...nodeCalls(),
  fsync: () => Promise.resolve(),
  fdatasync: () => Promise.resolve(),
};

describe("after a power loss", () => {
  let top: string;
  let recorder: Recorder;
  let world: World;
  let begun: readonly BegunUpload[];
  const ROOT = "/srv/registry";

  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), "longshore-power-"));
    const live = `${top}/live`;
    await mkdir(live);
    recorder = createRecorder(live);
    world = new World(recorder);
    const drivers = [1, 2].map(() => createFilesystemDriver({ rootdirectory: live + ROOT }, { calls: recorder.calls }));
    const [first, second] = drivers.map((driver) => openRegistry(driver));
    if (first === undefined || second === undefined) throw new Error("no registry");
    begun = await play(world, first, second);
    for (const driver of drivers) await driver.close();
  });
  afterAll(() => rm(top, { recursive: true }));

  /** What is wrong with a registry that starts on one tree. */
  const tryTree = async (end: number, loss: Loss): Promise<readonly string[]> => {
    const place = await mkdtemp(join(top, "tree-"));
    await layOut(treeAfter(recorder, end, loss), place);
    const driver = createFilesystemDriver({ rootdirectory: place + ROOT }, { calls: UNSYNCED });
    const open = (): Registry => openRegistry(driver);
    try {
      world.rewind(end);
      return [
        ...(await world.faults(open())),
        ...(await resumed(open(), begun)),
        ...(await world.pushAgain(open(), open)),
        ...(await purged(driver)),
      ];
    } finally {
      await driver.close();
      await rm(place, { recursive: true });
    }
  };

  it(
    `everything acknowledged is served, and the same pushes are accepted again (seed ${SEED})`,
    async () => {
      const { steps } = recorder;
      const random = randomFrom(SEED);
      const marks = [...steps.keys()].filter((at) => steps[at]?.kind === "mark");
      // Of adjacent marks, the last one suffices.
      const acknowledged = marks.filter((at) => !marks.includes(at + 1));
      const faults: string[] = [];
      const look = async (end: number, loss: Loss, what: string): Promise<void> => {
        const found = await tryTree(end, loss).catch((error: unknown) => [String(error)]);
        faults.push(...found.map((fault) => `after ${end} of ${steps.length} steps, ${what}: ${fault}`));
      };
      let trees = 0;
      // Each answer with the least that can be on the disk, then random moments with random outcomes.
      const least = [
        { loss: REMOVALS_KEPT, what: "all lost that isn't synced but for removals" },
        { loss: ALL_LOST, what: "all lost that isn't synced" },
      ].flatMap((each) => acknowledged.map((at) => ({ ...each, end: at + 1 })));
      for (const { end, loss, what } of least.slice(0, TREES)) {
        await look(end, loss, what);
        trees += 1;
      }
      for (; trees < TREES && faults.length < 20; trees += 1) {
        const end = Math.floor(random() * (steps.length + 1));
        const share = random();
        const loss: Loss = {
          keeps: () => random() < share,
          chooses: (contents) => contents[Math.floor(random() * contents.length)] ?? Buffer.alloc(0),
        };
        await look(end, loss, `${Math.round(share * 100)} % kept of what isn't synced`);
      }
      console.log(`power loss: seed ${SEED}, ${steps.length} steps, ${trees} trees`);
      expect(faults).toEqual([]);
    },
    TREES * 1000 + 60_000,
  );
});

/** Resumes the remaining sessions: each becomes what was sent, or is refused. */
async function resumed(registry: Registry, begun: readonly BegunUpload[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const { name, uuid, bytes } of begun) {
    const { uploads, blobs } = registry.repository(repository(name));
    try {
      const { size } = await uploads.status(uuid);
      await uploads.commit(uuid, digestOf(bytes), { bytes: inOne(bytes.subarray(size)), offset: size });
    } catch (error) {
      if (!isStorageError(error)) throw error;
      const isRefused = error.code === "UPLOAD_UNKNOWN" || error.code === "DIGEST_MISMATCH";
      if (!isRefused) faults.push(`upload ${uuid}: ${error.code}`);
      continue;
    }
    const { size } = await blobs.stat(digestOf(bytes));
    if (size !== bytes.length) faults.push(`upload ${uuid} became a blob of ${size} bytes`);
  }
  return faults;
}

/** Whatever is left must not stop a purge. */
async function purged(driver: ReturnType<typeof createFilesystemDriver>): Promise<readonly string[]> {
  const { errors } = await purgeUploads(driver, { olderThan: new Date(Date.now() + 60_000) });
  return errors === 0 ? [] : [`${errors} sessions can't be purged`];
}
