import { join } from "node:path";
import { collectGarbage, createDriver, openRegistry } from "@longshore/storage";
import { FuzzClient, type Counters } from "./fuzz-client.js";
import { createRandom, isFuzzPlan, type FuzzPlan, type FuzzReport } from "./fuzz-universe.js";

/** One registry with its clients, and a collector that never rests: started by fuzz.ts, which reads its report. */
const CLIENTS = 4;

process.once("message", (message) => {
  if (!isFuzzPlan(message)) throw new Error("expected a plan");
  void run(message).then((report) => {
    process.send?.(report, () => process.disconnect());
  });
});

async function run(plan: FuzzPlan): Promise<FuzzReport> {
  const driver = await createDriver("filesystem", { rootdirectory: plan.root });
  const registry = openRegistry(driver, { leases: { freshFor: plan.grace / 4, renewed: plan.handshake } });
  const counters: Counters = { operations: 0, pushes: 0, repeated: 0, violations: [] };
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const id = `p${plan.process}c${index}`;
    return new FuzzClient(registry, id, createRandom(plan.seed + plan.process * 100 + index), counters);
  });
  let working = true;
  const isDue = (): boolean => working && counters.operations < plan.operations && counters.violations.length === 0;
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
    const total = { collections: 0, removedBlobs: 0, removedManifests: 0 };
    while (working) {
      const result = await collectGarbage(driver, {
        grace: plan.grace,
        deleteUntagged: total.collections % 2 === 0 ? { age: 0 } : undefined,
        workDirectory: join(plan.root, `work-${plan.process}`),
        concurrency: 4,
      });
      total.collections += 1;
      total.removedBlobs += result.removedBlobs;
      total.removedManifests += result.removedManifests;
    }
    return total;
  }
}
