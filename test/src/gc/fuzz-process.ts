import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { collectGarbage, CollectError, createDriver, LockHeldError, openRegistry } from "@longshore/storage";
import { FuzzClient, type Counters } from "./fuzz-client.js";
import {
  COLLECTOR_SEEN_FOR,
  createRandom,
  isFuzzPlan,
  LOCK_WAIT,
  type FuzzPlan,
  type FuzzReport,
} from "./fuzz-universe.js";

/** One registry with its clients, and a collector that never rests: started by fuzz.ts, which reads its report. */
const CLIENTS = { filesystem: 4, s3: 2 } as const;
/** Over object storage a collection shall end while pushes go on, and most of its time is waiting. */
const CONCURRENCY = { filesystem: 4, s3: 24 } as const;

process.once("message", (message) => {
  if (!isFuzzPlan(message)) throw new Error("expected a plan");
  void run(message).then((report) => {
    process.send?.(report, () => process.disconnect());
  });
});

async function run(plan: FuzzPlan): Promise<FuzzReport> {
  const driver = await createDriver(plan.storage.driver, plan.storage.parameters);
  const registry = openRegistry(driver, {
    leases: { freshFor: plan.grace / 4, renewed: plan.handshake, collectorSeenFor: COLLECTOR_SEEN_FOR },
  });
  const counters: Counters = { operations: 0, pushes: 0, repeated: 0, violations: [] };
  const clients = Array.from({ length: CLIENTS[plan.storage.driver] }, (_, index) => {
    const id = `p${plan.process}c${index}`;
    const random = createRandom(plan.seed + plan.process * 100 + index);
    return new FuzzClient(registry, id, { random, layers: plan.layers }, counters);
  });
  let working = true;
  let isStopped = false;
  process.once("message", () => {
    isStopped = true;
  });
  const isDue = (): boolean => !isStopped && counters.operations < plan.operations && counters.violations.length === 0;
  const collecting = collectAgainAndAgain();
  await Promise.all(
    clients.map(async (client) => {
      while (isDue()) await client.step();
    }),
  );
  working = false;
  const collected = await collecting;
  await driver.close();
  return { ...counters, ...collected, held: clients.flatMap((client) => client.held()) };

  async function collectAgainAndAgain() {
    const total = { collections: 0, refused: 0, removedBlobs: 0, removedManifests: 0 };
    while (working) {
      try {
        const result = await collectGarbage(driver, {
          grace: plan.grace,
          deleteUntagged: total.collections % 2 === 0 ? { age: 0 } : undefined,
          workDirectory: join(plan.work, `work-${plan.process}`),
          concurrency: CONCURRENCY[plan.storage.driver],
          lockWait: LOCK_WAIT,
        });
        total.collections += 1;
        total.removedBlobs += result.removedBlobs;
        total.removedManifests += result.removedManifests;
      } catch (error) {
        if (!(error instanceof CollectError && error.cause instanceof LockHeldError)) throw error;
        total.refused += 1;
        // As a schedule would: it leaves the other one alone for a while.
        await sleep(LOCK_WAIT);
      }
    }
    return total;
  }
}
