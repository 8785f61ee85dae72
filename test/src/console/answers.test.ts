import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Agent, interceptors, request as send, type Dispatcher } from "undici";
import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { basic, passwordLine } from "../auth/support.js";
import { startReceiver, type Receiver } from "../notifications/receiver.js";

const SESSION = "/_console/session";
/** As a browser sends them from the console's page. */
const OWN = { "sec-fetch-site": "same-origin", "longshore-console": "1" };
const READER = basic("reader", "secret");

interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

describe("what a browser's session is answered", () => {
  let folder: TemporaryFolder;
  let receiver: Receiver;
  let registry: RunningRegistry;
  let cookie: string;
  let blob: string;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("answers");
    receiver = await startReceiver();
    const path = `${folder.path}/htpasswd`;
    await writeFile(path, passwordLine("reader", "secret"));
    registry = await startRegistry({
      config: {
        auth: { htpasswd: { realm: "r", path } },
        notifications: { endpoints: [{ name: "e", url: receiver.url, timeout: "5s" }] },
        http: { cors: { origins: ["https://ui.example"] } },
      },
    });
    const client = createHttpClient(registry.url, { headers: { authorization: READER } });
    const image = await pushImage(client, "team/app", "1");
    client.close();
    blob = `/v2/team/app/blobs/${image.config.digest}`;
    const body = JSON.stringify({ account: "reader", password: "secret" });
    const headers = { ...OWN, "content-type": "application/json" };
    const answer = await registry.client.ask({ method: "POST", path: SESSION, headers, body });
    cookie = answer.headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function get(path: string, headers: Record<string, string>, dispatcher?: Dispatcher): Promise<Received> {
    const answer = await send(registry.url + path, { headers, ...(dispatcher === undefined ? {} : { dispatcher }) });
    await answer.body.dump();
    return { status: answer.statusCode, headers: answer.headers };
  }

  it.each([
    ["a blob", () => blob, {}, 200],
    ["a part of a blob", () => blob, { range: "bytes=0-3" }, 206],
    ["a blob that it has", () => blob, { "if-none-match": "*" }, 304],
    ["a range that isn't there", () => blob, { range: "bytes=900000-" }, 416],
    ["a blob that isn't there", () => `/v2/team/app/blobs/sha256:${"0".repeat(64)}`, {}, 404],
    ["a manifest", () => "/v2/team/app/manifests/1", {}, 200],
    ["a list of tags", () => "/v2/team/app/tags/list", {}, 200],
    ["an extension", () => "/v2/team/app/_longshore/repository/images/1", {}, 200],
    ["who is logged in", () => SESSION, {}, 200],
    ["a blob to another origin", () => blob, { origin: "https://ui.example" }, 200],
  ])("stays out of every cache: %s", async (_, path, more, status) => {
    const answer = await get(path(), { ...OWN, ...more, cookie });
    expect(answer.status).toBe(status);
    expect(answer.headers["cache-control"]).toBe("private, no-store");
    expect(answer.headers["vary"]).toMatch(/^(Origin, )?Cookie, Longshore-Console, Sec-Fetch-Site$/);
  });

  it("isn't given to others by a cache that they share", async () => {
    const cache = new Agent();
    const shared = cache.compose(interceptors.cache({ type: "shared" }));
    for (const path of [blob, "/v2/team/app/manifests/1", SESSION]) {
      expect((await get(path, { ...OWN, cookie }, shared)).status).toBe(200);
      const other = await get(path, {}, shared);
      expect(other.status).toBe(path === SESSION ? 200 : 401);
      expect(other.headers["age"]).toBeUndefined();
    }
    await cache.close();
  });

  it("leaves the caching of what other clients are given as it is", async () => {
    const { headers } = await get(blob, { authorization: READER });
    expect([headers["cache-control"], headers["vary"]]).toEqual(["max-age=31536000", "Origin"]);
  });

  it.each([
    ["a client that calls itself the page", () => ({ "longshore-console": "1", authorization: READER })],
    ["the page", () => ({ ...OWN, cookie })],
  ])("is a pull: the manifests and blobs that %s fetches", async (_, headers) => {
    const pulls = (): number => receiver.deliveries.filter(({ body }) => /"action": *"pull"/.test(body)).length;
    const before = pulls();
    expect((await get("/v2/team/app/manifests/1", headers())).status).toBe(200);
    await expect.poll(pulls, { timeout: 5000 }).toBe(before + 1);
    expect((await get(blob, headers())).status).toBe(200);
    await expect.poll(pulls, { timeout: 5000 }).toBe(before + 2);
  });

  it("says nothing about passwords where nothing records that they are tried", async () => {
    for (const more of [{}, OWN]) {
      const answer = await registry.client.ask({ path: SESSION, headers: { ...more, authorization: READER } });
      expect(answer.json()).toMatchObject({ account: null, version: "", rights: { maintenance: false } });
    }
  });
});
