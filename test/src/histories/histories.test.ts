import { mkdir } from "node:fs/promises";
import { collectGarbage, CollectError, createDriver, type StorageDriver } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { runLength, seedOf } from "@longshore/testkit/run-length";
import { s3Parameters, startS3Server, type S3Kind } from "@longshore/testkit/s3/server";
import { startRegistry } from "@longshore/testkit/start-registry";
import { record, type Recorded } from "./clients.js";
import { isLinearizable, type HistoryOperation } from "./linearizable.js";
import { mayVanish, NOTHING, type Over, type Times } from "./model.js";

const ROUNDS: Readonly<Record<Over, number>> = {
  filesystem: runLength({ short: 12, long: 150, variable: "HISTORY_ROUNDS" }),
  s3: runLength({ short: 5, long: 40, variable: "HISTORY_S3_ROUNDS" }),
};
const SEED = seedOf("HISTORY_SEED");
/** Long enough for the long form on a busy machine. */
const PATIENCE = 900_000;

interface Collector {
  /** One for each collection so far; the end of the one that runs is Infinity. */
  readonly times: readonly Times[];
  stop(): Promise<void>;
}

/** Collects again and again, untagged manifests, too, without a grace period. */
function startCollector(driver: StorageDriver, workDirectory: string): Collector {
  const stop = new AbortController();
  const times: Times[] = [];
  const collect = async (): Promise<void> => {
    for (;;) {
      const call = performance.now();
      const index = times.push({ call, end: Infinity }) - 1;
      const options = { grace: 0, deleteUntagged: { age: 0 }, workDirectory, signal: stop.signal };
      try {
        await collectGarbage(driver, options);
      } catch (error) {
        if (!stop.signal.aborted && !(error instanceof CollectError)) throw error;
      }
      times[index] = { call, end: performance.now() };
      if (stop.signal.aborted) return;
    }
  };
  const ended = collect();
  ended.catch(() => undefined);
  return {
    times,
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

/** What no order explains, as a report for people; with what collections may have removed while it was recorded. */
function judge(recorded: Recorded, collections: readonly Times[]): readonly string[] {
  const isMeanwhile = ({ call, end }: Times): boolean => call <= recorded.times.end && end >= recorded.times.call;
  const vanishings = collections.filter(isMeanwhile).map((times) => mayVanish(times, "a collection"));
  const wrong: string[] = [];
  for (const [key, operations] of recorded.keys) {
    const history = key.startsWith("sha256:") ? [...operations, ...vanishings] : operations;
    if (!isLinearizable(history, NOTHING))
      wrong.push([`${key}:`, ...history.filter(isMain).map(describeOperation)].join("\n"));
  }
  return wrong;
}

const isMain = ({ before, repeatable }: HistoryOperation): boolean => before === undefined && repeatable !== true;

const describeOperation = ({ call, end, title }: HistoryOperation): string =>
  `  ${call.toFixed(1)} to ${end.toFixed(1)}: ${title}`;

function declareHistories(over: Over, kind: S3Kind): void {
  it(
    "has an order that explains every answer about a tag, a manifest, a blob and a session",
    async () => {
      await using folder = await makeTemporaryFolder("histories");
      await using server = over === "s3" ? await startS3Server(kind) : undefined;
      const root = `${folder.path}/data`;
      await mkdir(root);
      const parameters =
        server === undefined ? { rootdirectory: root } : s3Parameters(server, await server.newBucket());
      const bucket = { filesystem: undefined, s3: parameters, redirect: { disable: true } };
      const storage = server === undefined ? {} : { storage: bucket };
      const settings = { root, config: { log: { accesslog: { disabled: true } }, ...storage } };
      await using first = await startRegistry(settings);
      await using second = await startRegistry(settings);
      const driver = await createDriver(over, parameters);
      const collector = startCollector(driver, `${folder.path}/work`);
      let requests = 0;
      let histories = 0;
      let violations = 0;
      const wrong: string[] = [];
      let rounds = 0;
      try {
        for (; rounds < ROUNDS[over] && wrong.length < 3; rounds += 1) {
          const seed = SEED + rounds;
          const recorded = await record({ registries: [first, second], over, name: `histories/r${rounds}`, seed });
          requests += recorded.requests;
          histories += recorded.keys.size;
          const found = judge(recorded, collector.times);
          violations += found.length;
          wrong.push(...found.map((text) => `seed ${seed}, ${text}`));
        }
      } finally {
        await collector.stop();
        await driver.close();
      }
      console.log(
        `${over}: seed ${SEED}, ${rounds} rounds, ${requests} requests, ${histories} histories, ` +
          `${collector.times.length} collections, ${violations} histories without an order`,
      );
      expect(wrong.join("\n\n")).toBe("");
    },
    PATIENCE,
  );
}

describe("two registries and a collector over one directory", () => declareHistories("filesystem", "stand-in"));
describe("two registries and a collector over one bucket of the stand-in", () => declareHistories("s3", "stand-in"));
describePeers("two registries and a collector over one bucket of Ceph", ["ceph"], () => declareHistories("s3", "ceph"));
