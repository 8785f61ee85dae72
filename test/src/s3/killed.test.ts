import { setTimeout as delay } from "node:timers/promises";
import { createDriver, purgeUploads } from "@longshore/storage";
import { afterAll, beforeAll, expect, it } from "vitest";
import { contentsOf, type Image, makeImage } from "../clients/images.js";
import { SLOW } from "../clients/site.js";
import { describePeers } from "../support/peers.js";
import { s3Parameters, type StandIn, startStandIn } from "../support/s3/server.js";
import { inParallel, isThorough, pullImage, pushImage, RequestFailed } from "./pushes.js";
import { type Cluster, startCluster } from "./replicas.js";

const PUSHES = isThorough() ? 200 : 24;
const AT_A_TIME = 12;
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

  /** Kills one replica after the other, and starts each again, until it is told to end. Counts. */
  const killOn = async (ended: () => boolean): Promise<number> => {
    for (let kills = 0; ; kills += 1) {
      const replica = cluster.replicas[kills % cluster.replicas.length];
      // Somewhere within the pushes: the time itself means nothing.
      await delay(100 + Math.random() * 400);
      if (ended()) return kills;
      await replica?.kill();
      await replica?.start();
    }
  };

  it(
    "whatever was acknowledged is whole, whatever failed can be pushed again, and purging leaves nothing over",
    async () => {
      const images = Array.from({ length: PUSHES }, (_, index) => ({
        name: `app/n${index}`,
        image: makeImage("oci", { bulk: index % 20 === 0 ? 6 * 1024 * 1024 : 40_000 }),
      }));
      let failures = 0;
      const pushUntilDone = async ({ name, image }: { name: string; image: Image }): Promise<void> => {
        for (let attempt = 1; ; attempt += 1) {
          try {
            await pushImage(cluster.host, name, "1", image);
            return;
          } catch (error) {
            if (!(error instanceof RequestFailed) || attempt === TRIES) throw error;
            // nginx found nobody, or lost whom it had found. A 404 is a session whose replica was killed while it wrote.
            expect([0, 404, 416, 502, 503, 504]).toContain(error.status);
            failures += 1;
          }
        }
      };
      let ended = false;
      const killing = killOn(() => ended);
      try {
        await inParallel(AT_A_TIME, images, pushUntilDone);
      } finally {
        ended = true;
      }
      const kills = await killing;
      console.log(`${PUSHES} pushes, ${kills} replicas killed, ${failures} pushes begun again`);
      expect(kills).toBeGreaterThan(3);

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
