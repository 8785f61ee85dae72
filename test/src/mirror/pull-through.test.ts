import { expectStatus, pushBlob, pushImage, randomContent } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistry } from "@longshore/testkit/start-registry";
import { describe, expect, it } from "vitest";
import { startDistribution, USER } from "./upstreams.js";

const MIB = 1024 * 1024;

/** Requests in a log of Distribution's, without its health checks and tokens. */
function requestsIn(output: string, pattern: RegExp): number {
  return output.split("\n").filter((line) => line.includes("response completed") && pattern.test(line)).length;
}

describePeers("mirroring a registry", ["docker-registry", "htpasswd"], () => {
  describe("under its own names", () => {
    it("fetches an image from upstream once, and then serves it from the cache", async () => {
      await using upstream = await startDistribution({ htpasswd: true });
      const image = await pushImage(upstream.client, "team/app", "1");
      await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url, ...USER } } });
      for (let round = 0; round < 2; round += 1) {
        const manifest = expectStatus(await mirror.client.ask({ path: "/v2/team/app/manifests/1" }), 200);
        expect(manifest.body.equals(image.manifest.bytes)).toBe(true);
        expect(manifest.headers["docker-content-digest"]).toBe(image.manifest.digest);
        for (const { digest, bytes } of [image.config, ...image.layers]) {
          const blob = expectStatus(await mirror.client.ask({ path: `/v2/team/app/blobs/${digest}` }), 200);
          expect(blob.body.equals(bytes)).toBe(true);
        }
      }
      expect(requestsIn(upstream.output(), /http\.request\.method=GET.*\/blobs\//)).toBe(3);
      expect(requestsIn(upstream.output(), /http\.request\.method=GET.*\/manifests\//)).toBe(1);
    });

    it("answers HEAD for a blob without downloading it", async () => {
      await using upstream = await startDistribution();
      const blob = randomContent(MIB);
      await pushBlob(upstream.client, "team/app", blob);
      await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url } } });
      const path = `/v2/team/app/blobs/${blob.digest}`;
      const head = expectStatus(await mirror.client.ask({ method: "HEAD", path }), 200);
      expect(head.headers["content-length"]).toBe(String(MIB));
      expect(requestsIn(upstream.output(), /http\.request\.method=GET.*\/blobs\//)).toBe(0);
    });

    it("takes no pushes and no deletes", async () => {
      await using upstream = await startDistribution();
      const image = await pushImage(upstream.client, "team/app", "1");
      await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url } } });
      expectStatus(await mirror.client.ask({ path: "/v2/team/app/manifests/1" }), 200);
      const manifest = `/v2/team/app/manifests/${image.manifest.digest}`;
      const answers = [
        await mirror.client.ask({ method: "POST", path: "/v2/team/app/blobs/uploads/" }),
        await mirror.client.ask({
          method: "PUT",
          path: manifest,
          headers: { "content-type": image.mediaType },
          body: image.manifest.bytes,
        }),
        await mirror.client.ask({ method: "DELETE", path: manifest }),
        await mirror.client.ask({ method: "DELETE", path: `/v2/team/app/blobs/${image.config.digest}` }),
      ];
      expect(answers.map((answer) => [answer.status, answer.code()])).toEqual(answers.map(() => [405, "UNSUPPORTED"]));
    });

    it("starts without the upstream, reports that it is down, and serves what it has with a warning", async () => {
      await using upstream = await startDistribution();
      const image = await pushImage(upstream.client, "team/app", "1");
      const proxy = { remoteurl: upstream.url, retries: 0 };
      await using mirror = await startRegistry({ config: { proxy } });
      await upstream.stop();
      const path = "/v2/team/app/manifests/1";
      const away = await mirror.client.ask({ path });
      expect([away.status, away.code()]).toEqual([503, "UNAVAILABLE"]);
      expect(Number(away.headers["retry-after"])).toBeGreaterThan(0);
      await upstream.start();
      await expect.poll(async () => (await mirror.client.ask({ path })).status, { timeout: 60_000 }).toBe(200);
      await upstream.stop();
      const stale = expectStatus(await mirror.client.ask({ path }), 200);
      expect(stale.body.equals(image.manifest.bytes)).toBe(true);
      expect(stale.headers.warning).toMatch(/^110 - "Response is Stale: /);
      const missing = await mirror.client.ask({ path: `/v2/team/app/blobs/${image.config.digest}` });
      expect([missing.status, missing.code()]).toEqual([503, "UNAVAILABLE"]);
    });
  });

  describe("below a prefix", () => {
    it("serves its own repositories alongside the upstream's, and by containerd's ns", async () => {
      await using upstream = await startDistribution();
      const image = await pushImage(upstream.client, "team/app", "1");
      await using mirror = await startRegistry({
        config: { proxy: { upstreams: [{ prefix: "up.test", remoteurl: upstream.url }] } },
      });
      const own = await pushImage(mirror.client, "team/app", "1");
      const digestAt = async (path: string): Promise<unknown> =>
        (await mirror.client.ask({ path })).headers["docker-content-digest"];
      expect(await digestAt("/v2/team/app/manifests/1")).toBe(own.manifest.digest);
      expect(await digestAt("/v2/up.test/team/app/manifests/1")).toBe(image.manifest.digest);
      expect(await digestAt("/v2/team/app/manifests/1?ns=up.test")).toBe(image.manifest.digest);
      expect(await digestAt(`/v2/team/app/manifests/1?ns=${upstream.host}`)).toBe(image.manifest.digest);
      const other = await mirror.client.ask({ path: "/v2/team/app/manifests/1?ns=elsewhere.test" });
      expect([other.status, other.code()]).toEqual([404, "MANIFEST_UNKNOWN"]);
      const push = await mirror.client.ask({ method: "POST", path: "/v2/up.test/team/app/blobs/uploads/" });
      expect([push.status, push.code()]).toEqual([405, "UNSUPPORTED"]);
    });

    it("mirrors only what is allowed", async () => {
      await using upstream = await startDistribution();
      await pushImage(upstream.client, "team/app", "1");
      await pushImage(upstream.client, "other/app", "1");
      const one = { prefix: "up.test", remoteurl: upstream.url, allow: ["team/*"], deny: ["/.*secret.*/"] };
      await using mirror = await startRegistry({ config: { proxy: { upstreams: [one] } } });
      const statuses = async (name: string): Promise<number> =>
        (await mirror.client.ask({ path: `/v2/up.test/${name}/manifests/1` })).status;
      expect(await statuses("team/app")).toBe(200);
      expect(await statuses("other/app")).toBe(403);
      expect(await statuses("team/secret-app")).toBe(403);
    });
  });
});
