import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { freePort, serveHttp } from "@longshore/testkit/loopback";
import { attempt, startDaemon } from "@longshore/testkit/processes";
import { startApi, startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { stringify } from "yaml";

const PROGRAM = fileURLToPath(new URL("../../bin/registry.js", import.meta.url));

/** A user of sources, and the line of the password file that lets them in. */
const USER = { username: "puller", password: "pull from here" };
const LINE = "puller:$2b$04$djr72lgvjulbYkJC6x2jn.9yAd34H6dr.IHZIlLqi7iwEaqSZZbOW\n";

async function writeConfig(folder: string, root: string, proxy: object): Promise<string> {
  const path = `${folder}/config.yml`;
  const storage = { filesystem: { rootdirectory: root } };
  await writeFile(path, stringify({ version: 0.1, storage, http: { addr: ":0" }, proxy }));
  return path;
}

const registry = (...args: string[]) => attempt(process.execPath, [PROGRAM, ...args]);

describe("mirror sync", () => {
  it("copies each entry whatever happens to the others, with the credentials of the upstream", async () => {
    await using folder = await makeTemporaryFolder("sync");
    await writeFile(`${folder.path}/users`, LINE);
    const auth = { type: "htpasswd", parameters: { realm: "source", path: `${folder.path}/users` } };
    await using open = await startApi();
    await using closed = await startApi({ auth });
    const image = await pushImage(open.client, "team/app", "v1");
    await pushImage(open.client, "team/app", "old");
    await using target = await startRegistry();
    const config = await writeConfig(folder.path, target.root, {
      upstreams: [{ prefix: "closed.test", remoteurl: closed.client.origin, ...USER }],
      sync: {
        entries: [
          { source: `${open.client.origin}/team/missing:v1` },
          { source: `${open.client.origin}/**:v*`, destination: "copies" },
          { source: `${closed.client.origin}/team/app:v1` },
        ],
      },
    });
    const login = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString("base64")}`;
    const authorized = {
      ...closed.client,
      ask: (ask: Parameters<typeof closed.client.ask>[0]) =>
        closed.client.ask({ ...ask, headers: { authorization: login, ...ask.headers } }),
    };
    const other = await pushImage(authorized, "team/app", "v1");

    const rehearsed = await registry("mirror", "sync", config, "--dry-run");
    expect(rehearsed.stderr).toContain("dry run: 2 tags would be copied");
    const done = await registry("mirror", "sync", config);
    expect(done).toMatchObject({ code: 1 });
    expect(done.stderr).toMatch(/failed: .*team\/missing:v1: /);
    expect(done.stdout).toMatch(/team\/app:v1 -> copies\/team\/app:v1\n/);
    expect(done.stdout).toMatch(/team\/app:v1 -> closed\.test\/team\/app:v1\n/);
    const digestAt = async (path: string): Promise<unknown> =>
      expectStatus(await target.client.ask({ method: "HEAD", path }), 200).headers["docker-content-digest"];
    expect(await digestAt("/v2/copies/team/app/manifests/v1")).toBe(image.manifest.digest);
    expect(await digestAt("/v2/closed.test/team/app/manifests/v1")).toBe(other.manifest.digest);
    expect((await target.client.ask({ path: "/v2/copies/team/app/manifests/old" })).status).toBe(404);
    expect((await registry("mirror", "sync", config)).stderr).toContain("0 tags copied");
    const copied = await registry("mirror", "copy", config, `${closed.client.origin}/team/app:v1`, "by-hand");
    expect(copied).toMatchObject({ code: 0 });
  });

  it("runs in a server on its schedule, and keeps what it copies in the cache's account", async () => {
    await using source = await startApi();
    const image = await pushImage(source.client, "team/app", "v1");
    const upstreams = [{ prefix: "source.test", remoteurl: source.client.origin }];
    const sync = { interval: "1s", entries: [{ source: `${source.client.origin}/team/app` }] };
    const debug = `127.0.0.1:${await freePort()}`;
    const http = { debug: { addr: debug } };
    await using server = await startRegistry({ config: { http, proxy: { upstreams, sync } } });
    await expect.poll(() => server.logs(), { timeout: 30_000 }).toContain("mirror sync finished: 1 tag copied");
    const shown = async (): Promise<unknown> => (await fetch(`http://${debug}/debug/upstreams`)).json();
    const { host } = new URL(source.client.origin);
    const copied = { name: `${source.client.origin}/team/app`, use: "sync", host };
    expect(await shown()).toMatchObject({
      upstreams: [
        { name: "source.test", state: "unasked" },
        { ...copied, state: "reachable", processes: 1 },
      ],
    });
    await source.stop();
    await expect.poll(shown, { timeout: 30_000 }).toMatchObject({ upstreams: [{}, { state: "unreachable" }] });
    const got = expectStatus(await server.client.ask({ path: "/v2/source.test/team/app/manifests/v1" }), 200);
    expect(got.body).toEqual(image.manifest.bytes);
    const state = `${server.root}/scheduler-state.json`;
    const account = (): Promise<string> => readFile(state, "utf8").catch(() => "");
    await expect.poll(account, { timeout: 30_000 }).toContain(`source.test/team/app@${image.manifest.digest}`);
  });

  it("runs in one process at a time of those that share the storage", { timeout: 120_000 }, async () => {
    await using folder = await makeTemporaryFolder("sync");
    await using source = await startApi();
    await pushImage(source.client, "team/app", "v1");
    let goOn = (): void => undefined;
    const released = new Promise<void>((resolve) => (goOn = resolve));
    let isReached = false;
    // In front of the source: a copy that is under way halts here.
    await using halting = await serveHttp((request, response) => {
      isReached = true;
      const headers = { accept: request.headers.accept ?? "*/*" };
      void released
        .then(() => source.client.ask({ method: request.method ?? "GET", path: request.url ?? "/", headers }))
        .then((answer) => response.writeHead(answer.status, answer.headers).end(answer.body));
    });
    const root = `${folder.path}/data`;
    const sync = { interval: "1s", entries: [{ source: `${halting.url}/team/app:v1`, destination: "copies/app" }] };
    await using first = await startRegistry({ root, config: { proxy: { sync } } });
    await expect.poll(() => isReached, { timeout: 30_000 }).toBe(true);
    // With another interval, so that its runs don't fall into those of the first each time.
    const otherwise = { ...sync, interval: "1700ms" };
    await using second = await startRegistry({ root, config: { proxy: { sync: otherwise } } });
    await expect.poll(() => second.logs(), { timeout: 30_000 }).toContain("mirror sync skipped");
    const byHand = await registry("mirror", "sync", await writeConfig(folder.path, root, { sync }));
    expect(byHand.code).not.toBe(0);
    expect(byHand.stderr).toContain(`process ${first.pid} on `);
    goOn();
    await expect.poll(() => first.logs(), { timeout: 30_000 }).toContain("mirror sync finished: 1 tag copied");
    await expect.poll(() => second.logs(), { timeout: 30_000 }).toContain("mirror sync finished: 0 tags copied");
    expect(second.logs()).not.toContain("finished: 1 tag copied");
    expectStatus(await second.client.ask({ path: "/v2/copies/app/manifests/v1" }), 200);
  });

  it("goes on where a killed one stopped, and copies nothing again", { timeout: 120_000 }, async () => {
    await using folder = await makeTemporaryFolder("sync");
    await using source = await startApi();
    const images = new Map<string, Awaited<ReturnType<typeof pushImage>>>();
    for (const tag of ["v1", "v2", "v3"]) images.set(tag, await pushImage(source.client, "team/app", tag));
    const layerOf = (tag: string): string => images.get(tag)?.layers[0]?.digest ?? "";
    const asked: string[] = [];
    let halts = true;
    // In front of the source: the last tag's layer never comes, as long as it is told to halt.
    await using halting = await serveHttp((request, response) => {
      const path = request.url ?? "/";
      asked.push(`${request.method ?? ""} ${path}`);
      if (halts && path.endsWith(layerOf("v3"))) return;
      const headers = { accept: request.headers.accept ?? "*/*" };
      void source.client
        .ask({ method: request.method ?? "GET", path, headers })
        .then((answer) => response.writeHead(answer.status, answer.headers).end(answer.body));
    });
    const entries = [{ source: `${halting.url}/team/app:v*`, destination: "copies/app" }];
    const config = await writeConfig(folder.path, `${folder.path}/data`, { sync: { entries } });
    const killed = await startDaemon(process.execPath, [PROGRAM, "mirror", "sync", config], {
      ready: (output) =>
        ["v1", "v2"].every((tag) => output.includes(`-> copies/app:${tag}`)) &&
        asked.includes(`GET /v2/team/app/blobs/${layerOf("v3")}`),
    });
    process.kill(killed.pid, "SIGKILL");
    await killed.stop();
    halts = false;
    asked.length = 0;
    const done = await registry("mirror", "sync", config);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toMatch(/team\/app:v3 -> copies\/app:v3\n$/);
    expect(done.stdout.match(/->/g)).toHaveLength(1);
    const blobs = asked.filter((each) => each.includes("/blobs/"));
    expect(blobs).toContain(`GET /v2/team/app/blobs/${layerOf("v3")}`);
    for (const tag of ["v1", "v2"]) expect(blobs.filter((each) => each.endsWith(layerOf(tag)))).toEqual([]);
    expect(asked.filter((each) => /^GET .*\/manifests\/v[12]$/.test(each))).toEqual([]);
    await using target = await startRegistry({ root: `${folder.path}/data` });
    for (const [tag, { manifest }] of images) {
      const got = expectStatus(await target.client.ask({ path: `/v2/copies/app/manifests/${tag}` }), 200);
      expect(got.body).toEqual(manifest.bytes);
    }
  });

  it("says what is wrong with an entry, and that there is none", async () => {
    await using folder = await makeTemporaryFolder("sync");
    const entries = [
      { source: "alpine" },
      { source: "docker.io/library/alpine", destination: "https://elsewhere.test/alpine" },
      { source: "docker.io/library/alpine", platforms: ["amd64"] },
    ];
    const wrong = await registry("verify", await writeConfig(folder.path, folder.path, { sync: { entries } }));
    expect(wrong.stdout + wrong.stderr).toContain("proxy.sync.entries[0].source");
    expect(wrong.stdout + wrong.stderr).toContain("proxy.sync.entries[1].destination");
    expect(wrong.stdout + wrong.stderr).toContain("proxy.sync.entries[2].platforms");
    const none = await registry("mirror", "sync", await writeConfig(folder.path, folder.path, {}));
    expect(none.stderr).toContain("no proxy.sync.entries");
  });
});
