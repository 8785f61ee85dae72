import { freePort, serveHttp } from "@longshore/testkit/loopback";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { startApi, startRegistry } from "@longshore/testkit/start-registry";
import { describe, expect, it } from "vitest";
import { startDistribution, USER } from "./upstreams.js";

describe("a mirror's settings", () => {
  it("hidden keep the upstream's name from clients, in errors and warnings", async () => {
    await using upstream = await startApi();
    await pushImage(upstream.client, "team/app", "1");
    const host = upstream.client.origin.replace("http://", "");
    const one = { prefix: "internal", remoteurl: upstream.client.origin, hidden: true, retries: 0 };
    await using mirror = await startRegistry({ config: { proxy: { upstreams: [one] } } });
    expectStatus(await mirror.client.ask({ path: "/v2/internal/team/app/manifests/1" }), 200);
    await upstream.stop();
    const stale = expectStatus(await mirror.client.ask({ path: "/v2/internal/team/app/manifests/1" }), 200);
    expect(stale.headers.warning).toContain("110");
    const away = await mirror.client.ask({ path: "/v2/internal/team/app/manifests/2" });
    expect(away.status).toBe(503);
    for (const answer of [stale, away]) {
      const shown = JSON.stringify(answer.headers) + answer.body.toString();
      expect(shown).not.toContain(host);
      expect(shown).not.toContain("refuses the connection");
    }
    expect(mirror.logs()).toContain(host);
  });

  it("come from Distribution's environment variables", async () => {
    await using upstream = await startApi();
    const image = await pushImage(upstream.client, "team/app", "1");
    const env = { REGISTRY_PROXY_REMOTEURL: upstream.client.origin, REGISTRY_PROXY_TTL: "24h" };
    await using mirror = await startRegistry({ env });
    const got = expectStatus(await mirror.client.ask({ path: "/v2/team/app/manifests/1" }), 200);
    expect(got.body.equals(image.manifest.bytes)).toBe(true);
    const push = await mirror.client.ask({ method: "POST", path: "/v2/team/app/blobs/uploads/" });
    expect(push.status).toBe(405);
  });

  it("named docker.io have official images below library/, and no others do", async () => {
    await using hub = await startApi();
    const image = await pushImage(hub.client, "library/alpine", "1");
    const asked = new Set<string>();
    // Stands in for Docker Hub as the forward proxy that all names lead to.
    await using proxy = await serveHttp((request, response) => {
      const { host, pathname } = new URL(request.url ?? "");
      asked.add(`${host}${pathname}`.replace(/\/manifests\/.*/, ""));
      const method = request.method ?? "GET";
      void hub.client
        .ask({ method, path: pathname, headers: { accept: request.headers.accept ?? "*/*" } })
        .then((answer) => {
          response.writeHead(answer.status, answer.headers).end(answer.body);
        });
    });
    await using mirror = await startRegistry({
      config: {
        proxy: {
          upstreams: [
            { prefix: "docker.io", remoteurl: "http://docker.io", retries: 0 },
            { prefix: "other.test", remoteurl: "http://other.test", retries: 0 },
          ],
        },
      },
      env: { HTTP_PROXY: proxy.url, NO_PROXY: "", no_proxy: "" },
    });
    for (const path of ["docker.io/alpine/manifests/1", "docker.io/library/alpine/manifests/1"]) {
      const got = expectStatus(await mirror.client.ask({ path: `/v2/${path}` }), 200);
      expect(got.body.equals(image.manifest.bytes)).toBe(true);
    }
    expectStatus(await mirror.client.ask({ path: "/v2/alpine/manifests/1?ns=docker.io" }), 200);
    expect([...asked]).toEqual(["registry-1.docker.io/v2/library/alpine"]);
    asked.clear();
    expect((await mirror.client.ask({ path: "/v2/docker.io/team/app/manifests/1" })).status).toBe(404);
    expect((await mirror.client.ask({ path: "/v2/other.test/alpine/manifests/1" })).status).toBe(404);
    expect([...asked]).toEqual(["registry-1.docker.io/v2/team/app", "other.test/v2/alpine"]);
  });

  it("bound the bytes that are kept: what was used longest ago goes, and pins stay", async () => {
    await using upstream = await startApi();
    const debug = `127.0.0.1:${await freePort()}`;
    await pushImage(upstream.client, "pinned/app", "1");
    await pushImage(upstream.client, "team/old", "1");
    const proxy = {
      upstreams: [{ prefix: "up.test", remoteurl: upstream.client.origin, retries: 0, taglists: "cached" }],
      maxbytes: 1,
      sweep: "1s",
      pins: ["up.test/pinned/*:1"],
    };
    const http = { debug: { addr: debug, prometheus: { enabled: true } } };
    await using mirror = await startRegistry({ config: { proxy, http } });
    for (const name of ["pinned/app", "team/old"]) {
      expectStatus(await mirror.client.ask({ path: `/v2/up.test/${name}/manifests/1` }), 200);
    }
    const tagsOf = async (name: string): Promise<number> =>
      (await mirror.client.ask({ path: `/v2/up.test/${name}/tags/list` })).status;
    // The account is written every five seconds, and swept every second.
    await expect.poll(() => tagsOf("team/old"), { timeout: 30_000 }).toBe(404);
    expect(await tagsOf("pinned/app")).toBe(200);
    const metrics = await (await fetch(`http://${debug}/metrics`)).text();
    expect(metrics).toMatch(/registry_mirror_evicted_manifests_total\{reason="room"\} 1/);
    expect(metrics).toMatch(
      /registry_proxy_misses_total\{type="manifest"\} 0|registry_proxy_requests_total\{type="manifest"\} 2/,
    );
    const variables: unknown = await (await fetch(`http://${debug}/debug/vars`)).json();
    expect(variables).toMatchObject({ registry: { proxy: { manifests: { Requests: 2 }, blobs: { Requests: 0 } } } });
    await upstream.stop();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await mirror.client.ask({ path: "/v2/up.test/team/other/manifests/1" });
    }
    const later = await (await fetch(`http://${debug}/metrics`)).text();
    expect(later).toMatch(/registry_mirror_upstream_pauses_total\{upstream="up.test",reason="failures"\} 1/);
  });
});

describePeers("a mirror of a registry with passwords", ["docker-registry", "htpasswd"], () => {
  it("has its user from Distribution's environment variables", async () => {
    await using upstream = await startDistribution({ htpasswd: true });
    const image = await pushImage(upstream.client, "team/app", "1");
    const env = { REGISTRY_PROXY_REMOTEURL: upstream.url, REGISTRY_PROXY_USERNAME: USER.username };
    const path = "/v2/team/app/manifests/1";
    await using mirror = await startRegistry({ env: { ...env, REGISTRY_PROXY_PASSWORD: USER.password } });
    const got = expectStatus(await mirror.client.ask({ path }), 200);
    expect(got.body.equals(image.manifest.bytes)).toBe(true);
    expect(mirror.logs()).not.toContain(USER.password);
    await using refused = await startRegistry({ env: { ...env, REGISTRY_PROXY_PASSWORD: "another password" } });
    expect((await refused.client.ask({ path })).status).toBe(403);
  });
});
