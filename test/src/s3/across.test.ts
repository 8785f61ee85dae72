import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeImage, makeMultiArch } from "../clients/images.js";
import { inspect } from "../clients/inspect.js";
import { SLOW } from "../clients/site.js";
import { finishUpload, leaveUpload } from "../clients/uploads.js";
import { describePeers } from "@longshore/testkit/peers";
import { s3Parameters, type StandIn, startStandIn } from "@longshore/testkit/s3/server";
import { type Cluster, startCluster } from "./replicas.js";

const MIB = 1024 * 1024;

describePeers("replicas behind nginx over S3", ["nginx"], () => {
  let storage: StandIn;
  let bucket: string;
  let cluster: Cluster;

  beforeAll(async () => {
    storage = await startStandIn();
    bucket = await storage.newBucket();
    cluster = await startCluster(3, { s3: s3Parameters(storage, bucket) });
  }, SLOW);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await storage.stop();
  });

  it("meet consecutive requests in turn", async () => {
    const before = cluster.replicas.map((replica) => replica.logs().length);
    for (let request = 0; request < 6; request += 1) await fetch(`http://${cluster.host}/v2/`);
    await expect
      .poll(() => cluster.replicas.every((replica, index) => replica.logs().length > (before[index] ?? 0)))
      .toBe(true);
  });

  describe("one upload's requests on three of them", () => {
    it.each([
      ["small chunks", [1000, 2000, 3000, 4000], 500],
      ["a chunk below S3's least part, then large ones", [1000, 6 * MIB, 1000, 6 * MIB], 2 * MIB],
      ["one chunk and nothing with the last request", [300_000], 0],
      ["many chunks", Array.from({ length: 40 }, () => 10_000), 1],
    ])(
      "%s",
      async (_, chunks, rest) => {
        const upload = await leaveUpload(cluster.host, "across/chunks", chunks, rest);
        await finishUpload(cluster.host, upload);
      },
      SLOW,
    );

    it("left on one and finished on another that was started since", async () => {
      const [first, second] = cluster.replicas;
      if (first === undefined || second === undefined) throw new Error("no replicas");
      const upload = await leaveUpload(first.host, "across/left", [5000, 5000], 5000);
      await first.kill();
      await finishUpload(second.host, upload);
      await first.start();
    });
  });

  it("show pushes and deletes on one at once on all of them", async () => {
    const [first, ...others] = cluster.replicas.map(({ host }) => inspect(host));
    if (first === undefined) throw new Error("no replicas");
    for (const round of [1, 2, 3]) {
      const image = makeImage("oci");
      await first.push("across/moving", "latest", image);
      for (const other of others) {
        expect([round, await other.resolve("across/moving", "latest")]).toEqual([round, image.manifest.digest]);
        await other.verify("across/moving", "latest");
      }
      await others[0]?.deleteManifest("across/moving", image.manifest.digest);
      for (const each of [first, ...others]) expect(await each.resolve("across/moving", "latest")).toBeUndefined();
    }
    const index = makeMultiArch("oci", ["amd64", "arm64"]);
    await first.push("across/index", "1", index);
    await inspect(cluster.host).verify("across/index", "1");
  });

  it("send clients to the bucket for blobs, with an address that is good", async () => {
    const image = makeImage("oci");
    await inspect(cluster.host).push("across/redirect", "1", image);
    const url = `http://${cluster.host}/v2/across/redirect/blobs/${image.config.digest}`;
    const answer = await fetch(url, { redirect: "manual" });
    expect(answer.status).toBe(307);
    const location = new URL(answer.headers.get("location") ?? "");
    expect(location.origin).toBe(storage.endpoint);
    expect(Buffer.from(await (await fetch(location)).arrayBuffer()).equals(image.config.bytes)).toBe(true);
  });
});
