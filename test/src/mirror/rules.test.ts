import { writeFile } from "node:fs/promises";
import { pushImage, expectStatus } from "@longshore/testkit/fixtures";
import { serveHttp } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistry } from "@longshore/testkit/start-registry";
import { describe, expect, it } from "vitest";

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";

const as = (user: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${user}:secret`).toString("base64")}`,
});

describe("a mirror of a registry like this one", () => {
  it("applies its rules to the names here, also to those that ns= leads to, and passes referrers and fallback tags on", async () => {
    await using upstream = await startRegistry();
    const image = await pushImage(upstream.client, "team/app", "1");
    const subject = { mediaType: image.mediaType, digest: image.manifest.digest, size: image.manifest.bytes.length };
    const signature = await pushImage(upstream.client, "team/app", undefined, {
      extra: { subject, artifactType: "application/vnd.example.signature" },
    });
    const fallback = `sha256-${image.manifest.digest.slice(7)}.sig`;
    await pushImage(upstream.client, "team/app", fallback);
    await using folder = await makeTemporaryFolder("rules");
    const passwords = `${folder.path}/htpasswd`;
    await writeFile(passwords, `ada:${HASH}\nbob:${HASH}\n`);
    await using mirror = await startRegistry({
      config: {
        proxy: { upstreams: [{ prefix: "up.test", remoteurl: upstream.url }] },
        auth: { htpasswd: { realm: "mirror", path: passwords } },
        access: [
          { match: { account: "ada", name: "up.test/team/*" }, actions: ["pull"] },
          { match: { account: "bob", name: "team/*" }, actions: ["pull", "push"] },
        ],
      },
    });
    const status = async (path: string, user: string): Promise<number> =>
      (await mirror.client.ask({ path: `/v2/${path}`, headers: as(user) })).status;
    const digest = image.manifest.digest;
    for (const [direct, named] of [
      ["up.test/team/app/manifests/1", "team/app/manifests/1?ns=up.test"],
      ["up.test/team/app/tags/list", "team/app/tags/list?ns=up.test"],
      [`up.test/team/app/referrers/${digest}`, `team/app/referrers/${digest}?ns=up.test`],
      [`up.test/team/app/blobs/${image.config.digest}`, `team/app/blobs/${image.config.digest}?ns=up.test`],
      [`up.test/team/app/manifests/${fallback}`, `team/app/manifests/${fallback}?ns=up.test`],
    ] as const) {
      expect([direct, await status(direct, "ada"), await status(named, "ada")]).toEqual([direct, 200, 200]);
      // He may pull what is called so here, and not what comes from there.
      for (const path of [direct, named]) expect([401, 403]).toContain(await status(path, "bob"));
    }
    const tags = await mirror.client.ask({ path: "/v2/up.test/team/app/tags/list", headers: as("ada") });
    expect(tags.json()).toMatchObject({ tags: ["1", fallback] });
    const referrers = await mirror.client.ask({ path: `/v2/up.test/team/app/referrers/${digest}`, headers: as("ada") });
    expect(referrers.json()).toMatchObject({ manifests: [{ digest: signature.manifest.digest }] });
  });

  it("meets a rate limit once for all its clients, serves what it has with a warning, and tells the others when to return", async () => {
    await using upstream = await startRegistry();
    const image = await pushImage(upstream.client, "team/app", "1");
    let limited = false;
    const asked: string[] = [];
    await using limiting = await serveHttp((incoming, response) => {
      const path = incoming.url ?? "";
      if (limited) {
        asked.push(`${incoming.method ?? ""} ${path}`);
        response.writeHead(429, { "retry-after": "120", "ratelimit-remaining": "0;w=21600" }).end();
        return;
      }
      const headers = { accept: incoming.headers.accept ?? "*/*" };
      void upstream.client.ask({ method: incoming.method ?? "GET", path, headers }).then((answer) => {
        response.writeHead(answer.status, answer.headers).end(answer.body);
      });
    });
    await using mirror = await startRegistry({ config: { proxy: { remoteurl: limiting.url, retries: 0 } } });
    const path = "/v2/team/app/manifests/1";
    expectStatus(await mirror.client.ask({ path }), 200);
    limited = true;
    const many = await Promise.all(Array.from({ length: 20 }, () => mirror.client.ask({ path })));
    for (const answer of [...many, await mirror.client.ask({ path })]) {
      expect([answer.status, answer.body.equals(image.manifest.bytes)]).toEqual([200, true]);
      expect(answer.headers.warning).toMatch(/^110 - "Response is Stale: .*rate limit/);
    }
    expect(asked).toEqual([`HEAD ${path}`]);
    const cold = `/v2/team/app/blobs/${image.config.digest}`;
    for (const answer of await Promise.all(Array.from({ length: 20 }, () => mirror.client.ask({ path: cold })))) {
      expect([answer.status, answer.code()]).toEqual([429, "TOOMANYREQUESTS"]);
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(60);
    }
    expect(asked).toEqual([`HEAD ${path}`, `GET ${cold}`]);
  });
});
