import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { FAIR_WEATHER, HARD_TIMES, startFaultProxy } from "@longshore/testkit/s3/fault-proxy";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { startApi, startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";

const IMAGES = 12;
/** Milliseconds, on a machine that does other things as well. */
const PATIENCE = 240_000;

it(
  "an S3 server that fails while the cache stores costs no client its content, and leaves nothing wrong behind",
  async () => {
    await using source = await startApi();
    await using server = await startStandIn();
    await using faults = await startFaultProxy(server.endpoint, { rates: FAIR_WEATHER, stall: 200 });
    await using folder = await makeTemporaryFolder("storage-faults");
    const s3 = { ...s3Parameters(server, await server.newBucket()), regionendpoint: faults.endpoint };
    const images = [];
    for (let count = 0; count < IMAGES; count += 1)
      images.push(await pushImage(source.client, "team/app", `v${count}`));
    const storage = { filesystem: undefined, s3, redirect: { disable: true } };
    const proxy = { remoteurl: source.client.origin, directory: `${folder.path}/spool` };
    await using mirror = await startRegistry({ config: { storage, proxy } });

    /** Whether it is the right content; anything else has to be an error. */
    const isServed = async (path: string, bytes: Uint8Array): Promise<boolean> => {
      const answer = await mirror.client.ask({ path }).catch(() => undefined);
      if (answer === undefined || answer.status >= 500) return false;
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.body.equals(bytes)).toBe(true);
      return true;
    };
    const contents = images.flatMap(({ config, layers, manifest }, index) => [
      [`/v2/team/app/manifests/v${index}`, manifest.bytes] as const,
      ...[config, ...layers].map(({ digest, bytes }) => [`/v2/team/app/blobs/${digest}`, bytes] as const),
    ]);

    faults.rates = { ...HARD_TIMES, errors: 0.2, resets: 0.1 };
    const served = await Promise.all(contents.map(([path, bytes]) => isServed(path, bytes)));
    expect(faults.counts.get("error-before") ?? 0, "no fault occurred").toBeGreaterThan(0);
    // The storage is where it is kept, not where it comes from.
    expect(served.filter(Boolean).length).toBeGreaterThan(contents.length / 2);

    faults.rates = FAIR_WEATHER;
    // What is paused because of failures comes back by itself.
    for (const [path, bytes] of contents) {
      await expect.poll(() => isServed(path, bytes), { timeout: 60_000, interval: 500 }).toBe(true);
    }
    await source.stop();
    // What couldn't be stored meanwhile was fetched again; now all of it is here.
    for (const [path, bytes] of contents) {
      await expect.poll(() => isServed(path, bytes), { timeout: 60_000, interval: 500 }).toBe(true);
    }
    expectStatus(await mirror.client.ask({ path: "/v2/team/app/tags/list" }), 200);
  },
  PATIENCE,
);
