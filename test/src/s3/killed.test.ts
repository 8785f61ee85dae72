import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { createDriver, purgeUploads } from "@longshore/storage";
import { afterAll, beforeAll, expect, it } from "vitest";
import { contentsOf, type Image, makeImage } from "../clients/images.js";
import { SLOW } from "../clients/site.js";
import { describePeers } from "@longshore/testkit/peers";
import { runLength } from "@longshore/testkit/run-length";
import { s3Parameters, type StandIn, startStandIn } from "@longshore/testkit/s3/server";
import { inParallel, pullImage, pushImage, RequestFailed } from "./pushes.js";
import { type Cluster, startCluster } from "./replicas.js";

/** Pushes go on until so many replicas have been killed, however fast this machine does either. */
const KILLS = runLength({ short: 6, long: 60, variable: "KILLS" });
/** Give up then (ms), with the count that was reached. */
const PATIENCE = 3 * SLOW;
const AT_A_TIME = 12;
/** Pushes with a layer of several chunks. */
const LARGE = 10;
/** A push that meets a killed replica each time has met none that works. */
const TRIES = 30;

describePeers("three replicas behind nginx, killed again and again", ["nginx"], () => {
  let storage: StandIn;
  let bucket: string;
  let cluster: Cluster;

  beforeAll(async () => {
    storage = await startStandIn();
    bucket = await storage.newBucket();
    cluster = await startCluster(3, {
      s3: s3Parameters(storage, bucket),
      storage: { redirect: { disable: true } },
    });
  }, SLOW);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await storage.stop();
  });

  it(
    "whatever was acknowledged is whole, whatever failed can be pushed again, and purging leaves nothing over",
    async () => {
      const images: { readonly name: string; readonly image: Image }[] = [];
      const ended = new AbortController();
      const attempts = new EventEmitter();
      const deadline = Date.now() + PATIENCE;
      let kills = 0;
      let failures = 0;
      // A failed push shows that a kill met one.
      const isEnough = (): boolean => (kills >= KILLS && failures > 0) || ended.signal.aborted || Date.now() > deadline;

      const pushUntilDone = async (name: string, image: Image): Promise<void> => {
        for (let attempt = 1; ; attempt += 1) {
          try {
            await pushImage(cluster.host, name, "1", image);
            return;
          } catch (error) {
            if (!(error instanceof RequestFailed) || attempt === TRIES) throw error;
            // nginx found nobody, or lost whom it had found. A 404 is a session whose replica was killed while it wrote.
            expect([0, 404, 416, 502, 503, 504]).toContain(error.status);
            failures += 1;
          } finally {
            attempts.emit("ended");
          }
        }
      };
      const pushOn = async (): Promise<void> => {
        while (!isEnough()) {
          const index = images.length;
          const image = makeImage("oci", { bulk: index < LARGE ? 6 * 1024 * 1024 : 20_000 });
          images.push({ name: `app/n${index}`, image });
          await pushUntilDone(`app/n${index}`, image);
        }
      };
      /** Kills one replica after the other, each while pushes are under way, and starts it again. */
      const killOn = async (): Promise<void> => {
        while (!isEnough()) {
          await once(attempts, "ended", { signal: ended.signal });
          // Somewhere within the pushes: the time itself means nothing.
          await delay(Math.random() * 200);
          const replica = cluster.replicas[kills % cluster.replicas.length];
          await replica?.kill();
          await replica?.start();
          kills += 1;
        }
      };
      const killing = killOn().catch((error: unknown) => {
        const isOver = ended.signal.aborted;
        ended.abort();
        if (!isOver) throw error;
      });
      const pushing = Promise.all(Array.from({ length: AT_A_TIME }, pushOn)).finally(() => ended.abort());
      await Promise.all([pushing, killing]);
      console.log(`${images.length} pushes, ${kills} replicas killed, ${failures} pushes begun again`);
      expect(kills).toBeGreaterThanOrEqual(KILLS);
      expect(failures).toBeGreaterThan(0);

      for (const { host } of cluster.replicas) {
        await inParallel(
          4,
          images.filter((_, index) => index % 3 === 0),
          ({ name, image }) => pullImage(host, name, "1", image),
        );
      }
      await inParallel(4, images, ({ name, image }) => pullImage(cluster.host, name, "1", image));

      const driver = await createDriver("s3", s3Parameters(storage, bucket));
      const purged = await purgeUploads(driver, { olderThan: new Date(Date.now() + 60_000) });
      await driver.close();
      expect(purged.errors).toBe(0);
      expect(storage.buckets.get(bucket).uploads()).toEqual([]);
      const keys = [...storage.buckets.get(bucket).keys("", "")];
      expect(keys.filter((key) => key.includes("/_uploads/"))).toEqual([]);
      const blobs = keys.flatMap(
        (key) => /^docker\/registry\/v2\/blobs\/(\w+)\/\w\w\/(\w+)\//.exec(key)?.slice(1).join(":") ?? [],
      );
      const wanted = images.flatMap(({ image }) => contentsOf(image).map(({ digest }) => digest));
      expect(new Set(blobs)).toEqual(new Set(wanted));
    },
    4 * SLOW,
  );
});
