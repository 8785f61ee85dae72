import { createServer } from "node:http";
import { once } from "node:events";
import { type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pushImage } from "@longshore/testkit/fixtures";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";

const STATUS = "/v2/_longshore/maintenance/status";
const CONFIGURATION = "/v2/_longshore/maintenance/configuration";

/** In every place of the configuration that may hold a secret: each is found by this mark. */
const MARK = "MARKED";

function secretConfig(port: number, upstream: number) {
  const url = (path: string): string => `http://${MARK}user:${MARK}pw@127.0.0.1:${port}${path}`;
  return {
    http: { debug: { addr: "127.0.0.1:0" }, workers: 2, secret: `${MARK}-http-secret`, headers: { "X-Any": ["x"] } },
    health: {
      http: [
        {
          uri: url(`/check?token=${MARK}query&X-Amz-Signature=${MARK}sig`),
          interval: "100ms",
          threshold: 1,
          timeout: "1s",
        },
      ],
    },
    notifications: {
      endpoints: [
        {
          name: "hook",
          url: url(`/hook?signature=${MARK}presigned`),
          headers: { Authorization: [`Bearer ${MARK}bearer`], "X-Api-Key": [`${MARK}key`] },
          secret: `${MARK}-signing-secret-of-the-hook`,
          timeout: "1s",
          threshold: 1,
          backoff: "100ms",
        },
      ],
    },
    proxy: {
      retries: 0,
      upstreams: [
        {
          prefix: "hub",
          remoteurl: `http://127.0.0.1:${upstream}`,
          username: "robot",
          password: `${MARK}password`,
        },
      ],
    },
  };
}

describe("how a registry of two workers does", () => {
  let registry: RunningRegistry;
  const failing = createServer((_, response) => void response.writeHead(503).end(`${MARK}body`));
  beforeAll(async () => {
    await once(failing.listen(0, "127.0.0.1"), "listening");
    const { port } = failing.address() as AddressInfo;
    registry = await startRegistry({ config: secretConfig(port, port) });
    await pushImage(registry.client, "team/app", "1");
    await registry.client.ask({ path: "/v2/hub/library/alpine/manifests/latest" });
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    failing.close();
  });

  const read = async (): Promise<unknown> => {
    // A connection of its own, which any worker may accept.
    const response = await fetch(`${registry.url}${STATUS}`, { headers: { connection: "close" } });
    expect(response.status).toBe(200);
    return response.json();
  };

  it("is told by any of them: health, processes, storage, endpoints and upstreams", async () => {
    await expect
      .poll(read)
      .toMatchObject({ health: { ready: false, checks: [{ failure: expect.any(String) as string }] } });
    await expect.poll(read).toMatchObject({
      endpoints: [
        {
          failures: expect.any(Number) as number,
          statuses: { "503 Service Unavailable": expect.any(Number) as number },
        },
      ],
    });
    for (let round = 0; round < 4; round += 1) {
      expect(await read()).toMatchObject({
        processes: [
          { name: "primary", memory: { resident: expect.any(Number) as number } },
          { name: "worker-1", connections: expect.any(Number) as number, requests: expect.any(Number) as number },
          { name: "worker-2", started: expect.stringMatching(/Z$/) as string },
        ],
        restarts: 0,
        storage: "filesystem",
        endpoints: [{ name: "hook", host: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string }],
        upstreams: [{ prefix: "hub", state: "unreachable", lastError: { message: expect.any(String) as string } }],
      });
    }
  });

  it("is told at the debug address, too, with the endpoints of notifications", async () => {
    const debug = /debug server listening (\S+:\d+)/.exec(registry.logs())?.[1] ?? "";
    const response = await fetch(`http://${debug}/debug/vars`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ registry: { notifications: { endpoints: [{ name: "hook" }] } } });
  });

  it("and what it runs with, says no secret", async () => {
    for (const path of [STATUS, CONFIGURATION]) {
      const { body } = await registry.client.ask({ path });
      expect(String(body)).not.toContain(MARK);
    }
    const { body } = await registry.client.ask({ path: CONFIGURATION });
    const { settings } = JSON.parse(String(body)) as { readonly settings: readonly Record<string, unknown>[] };
    const of = (path: string): unknown => settings.find((each) => each["path"] === path);
    expect(of("proxy.upstreams[0].password")).toMatchObject({
      isHidden: true,
      origin: "file",
      line: expect.any(Number) as number,
    });
    expect(of("http.workers")).toMatchObject({ value: "2", origin: "file" });
    expect(of("console.path")).toMatchObject({ origin: "default" });
  });
});

it("of a single process is told, too", async () => {
  await using registry = await startRegistry();
  const answer = await registry.client.ask({ path: STATUS });
  expect(answer.json()).toMatchObject({
    health: { ready: true, reasons: {} },
    processes: [{ name: "single" }],
    upstreams: [],
  });
});
