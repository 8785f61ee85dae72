import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { runLength, seedOf } from "@longshore/testkit/run-length";
import { startApi, STORAGES, type Storage } from "@longshore/testkit/start-registry";
import { Model } from "./model.js";
import { step, take, type Scene } from "./requests.js";
import { createUniverse } from "./universe.js";

const SEQUENCES = runLength({ short: 40, long: 4000, variable: "MODEL_SEQUENCES" });
const SEED = seedOf("MODEL_SEED");
/** Requests of the longest sequence. */
const LENGTH = 60;

/** For a long run over S3 on a busy machine (ms). */
const PATIENCE = 1_800_000;

function answersAsPredicted(storages: readonly Storage[]): void {
  it.each(storages)(
    `over %s, seed ${SEED}`,
    async (storage) => {
      await using api = await startApi({ storage });
      const model = new Model();
      let sequences = 0;
      let requests = 0;
      const property = fc.asyncProperty(fc.array(step, { size: "max", maxLength: LENGTH }), async (steps) => {
        sequences += 1;
        const universe = createUniverse(`m${String(sequences).padStart(6, "0")}`);
        const scene: Scene = { universe, model, ask: (ask) => api.client.ask(ask), sessions: [], count: 0 };
        for (const each of steps) await take(each, scene);
        requests += scene.count;
      });
      await fc.assert(property, { numRuns: SEQUENCES, seed: SEED });
      console.info(`model of the API over ${storage}: ${sequences} sequences, ${requests} requests, seed ${SEED}`);
      expect(requests).toBeGreaterThan(SEQUENCES);
    },
    PATIENCE,
  );
}

describe("random requests are answered as the model predicts", () => {
  answersAsPredicted([...STORAGES, "gcs"]);
  describePeers("with an emulator", ["azurite"], () => answersAsPredicted(["azure"]));
});
