import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeImage, writeLayout } from "../clients/images.js";
import { SLOW, useResources } from "../clients/site.js";
import { expectStatus, locationOf, pushBlob, pushImage, randomContent, withQuery } from "@longshore/testkit/fixtures";
import type { PeerName } from "@longshore/testkit/peer-list";
import { describePeers } from "@longshore/testkit/peers";
import { attempt } from "@longshore/testkit/processes";
import type { S3Kind } from "@longshore/testkit/s3/server";
import { startCluster, type Cluster } from "./cluster.js";

/** Which replicas the balancer chose for requests whose line has `part`, in order. */
async function chosen(cluster: Cluster, part: string): Promise<string[]> {
  const lines = (await cluster.balancerLog()).split("\n").filter((line) => line.includes(part));
  return lines.map((line) => line.split(" ").at(-1) ?? "");
}

const SERVERS: readonly (readonly [S3Kind, readonly PeerName[]])[] = [
  ["stand-in", []],
  ["ceph", ["ceph"]],
];

describe.each(SERVERS)("over %s", (kind, peers) => {
  describePeers(
    `three replicas behind nginx, with Redis, from deploy/cluster and config/cluster.yml (${kind})`,
    ["nginx", "redis", ...peers],
    () => {
      const own = useResources();
      let cluster: Cluster;

      beforeAll(async () => {
        cluster = own(await startCluster(kind));
      }, SLOW);

      it(
        "take the requests of one upload in turn",
        async () => {
          const { client } = cluster;
          const { bytes, digest } = randomContent(300_000);
          let location = locationOf(
            expectStatus(await client.ask({ method: "POST", path: "/v2/a/blobs/uploads/" }), 202),
          );
          for (const chunk of [bytes.subarray(0, 100_000), bytes.subarray(100_000, 200_000), bytes.subarray(200_000)]) {
            const headers = { "content-type": "application/octet-stream" };
            location = locationOf(
              expectStatus(await client.ask({ method: "PATCH", path: location, headers, body: chunk }), 202),
            );
          }
          expectStatus(await client.ask({ method: "PUT", path: withQuery(location, { digest }) }), 201);
          const got = await client.ask({ path: `/v2/a/blobs/${digest}` });
          expect(got.body.equals(bytes)).toBe(true);
          await expect.poll(() => chosen(cluster, "/v2/a/blobs/")).toHaveLength(6);
          const replicas = await chosen(cluster, "/v2/a/blobs/");
          expect(new Set(replicas)).toEqual(new Set(cluster.replicas.map(({ address }) => address)));
          for (let i = 1; i < replicas.length; i += 1) expect(replicas[i]).not.toBe(replicas[i - 1]);
        },
        SLOW,
      );

      it(
        "agree on a tag as soon as a push is acknowledged, and on its removal",
        async () => {
          const { client } = cluster;
          for (let round = 0; round < 5; round += 1) {
            const { manifest } = await pushImage(client, "b", "latest");
            for (let turn = 0; turn < 3; turn += 1) {
              const answer = await client.ask({ method: "HEAD", path: "/v2/b/manifests/latest" });
              expect(answer.headers["docker-content-digest"]).toBe(manifest.digest);
            }
          }
          expectStatus(await client.ask({ method: "DELETE", path: "/v2/b/manifests/latest" }), 202);
          for (let turn = 0; turn < 3; turn += 1) {
            expect((await client.ask({ path: "/v2/b/manifests/latest" })).code()).toBe("MANIFEST_UNKNOWN");
          }
        },
        SLOW,
      );

      it(
        "lose nothing and refuse nothing when one of them is killed, and it comes back",
        async () => {
          const { client, replicas } = cluster;
          const content = randomContent(100_000);
          await pushBlob(client, "c", content);
          const [victim] = replicas;
          await victim?.kill();
          for (let turn = 0; turn < 6; turn += 1) {
            expectStatus(await client.ask({ path: `/v2/c/blobs/${content.digest}` }), 200);
            await pushBlob(client, "c", randomContent(1000));
          }
          await victim?.start();
          // It gets requests again when the balancer's fail_timeout is over.
          await expect
            .poll(
              async () => {
                await client.ask({ path: "/v2/" });
                return (await chosen(cluster, '"GET /v2/ HTTP')).slice(-3);
              },
              { timeout: 30_000, interval: 200 },
            )
            .toContain(victim?.address);
        },
        SLOW,
      );

      it(
        "go on without Redis",
        async () => {
          const { client } = cluster;
          const { manifest } = await pushImage(client, "d", "1");
          await cluster.killRedis();
          for (let turn = 0; turn < 3; turn += 1) {
            const answer = await client.ask({ path: "/v2/d/manifests/1" });
            expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([200, manifest.digest]);
          }
          await pushImage(client, "d", "2");
        },
        SLOW,
      );
    },
  );
});

describePeers("skopeo through the cluster's balancer, over Ceph", ["nginx", "redis", "ceph", "skopeo"], () => {
  const own = useResources();

  it(
    "pushes and pulls an image with a layer of several parts",
    async () => {
      const cluster = own(await startCluster("ceph"));
      const layout = join(cluster.folder, "layout");
      await writeLayout(layout, { single: makeImage("oci", { bulk: 40 * 1024 * 1024 }) });
      const copy = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
      const remote = `docker://${cluster.host}/team/app:1`;
      const pushed = await attempt("skopeo", [...copy, `oci:${layout}:single`, remote]);
      expect(pushed.code, pushed.stderr).toBe(0);
      const pulled = await attempt("skopeo", [...copy, remote, `dir:${cluster.folder}/pulled`]);
      expect(pulled.code, pulled.stderr).toBe(0);
    },
    SLOW,
  );
});
