import { freePort, serveHttp } from "@longshore/testkit/loopback";
import { startRegistry } from "@longshore/testkit/start-registry";
import { expect, it } from "vitest";
import { get } from "./scene.js";

const PASSWORD = "the upstream's password";
const HOUR = 3600;

it("upstreams that are away are shown by all workers, and fail no health check", async () => {
  let status = 503;
  await using upstream = await serveHttp((request, response) => {
    if (status !== 404) response.writeHead(status, { "retry-after": String(HOUR) });
    else response.writeHead(404, { "content-type": "application/json" });
    response.end(request.method === "HEAD" ? undefined : "{}");
  });
  const debug = `127.0.0.1:${await freePort()}`;
  const { host } = new URL(upstream.url);
  const one = { remoteurl: upstream.url, username: "ada", password: PASSWORD, retries: 0 };
  await using mirror = await startRegistry({
    config: {
      http: { workers: 2, debug: { addr: debug } },
      proxy: {
        refusals: "0s",
        upstreams: [
          { prefix: "up.test", ...one },
          { prefix: "idle.test", remoteurl: "http://idle.test" },
        ],
      },
    },
  });
  const shown = async (): Promise<unknown> => {
    for (const path of ["/debug/health", "/readyz"]) expect((await fetch(`http://${debug}${path}`)).status).toBe(200);
    const response = await fetch(`http://${debug}/debug/upstreams`);
    expect(response.status).toBe(200);
    const text = await response.text();
    for (const secret of [PASSWORD, "ada"]) expect(text).not.toContain(secret);
    return JSON.parse(text);
  };
  // Each on a connection of its own, so that workers take turns.
  const ask = () => get(`${mirror.url}/v2/up.test/team/app/manifests/1`);
  const idle = { name: "idle.test", prefix: "idle.test", host: "idle.test", state: "unasked", processes: 2 };
  const own = { name: "up.test", prefix: "up.test", host };
  expect(await shown()).toEqual({ upstreams: [{ ...own, state: "unasked", processes: 2 }, idle] });

  expect((await ask()).status).toBe(503);
  const time: unknown = expect.any(String);
  const lastError = { at: time, message: "it answered 503" };
  expect(await shown()).toEqual({
    upstreams: [{ ...own, state: "unreachable", failingSince: time, lastError, processes: 2 }, idle],
  });

  status = 404;
  expect((await ask()).status).toBe(404);
  expect(await shown()).toMatchObject({
    upstreams: [{ state: "reachable", lastSuccess: time, lastError }, idle],
  });

  status = 429;
  await expect
    .poll(async () => {
      expect((await ask()).status).toBe(429);
      return await shown();
    })
    .toMatchObject({ upstreams: [{ state: "paused", pause: { reason: "rate-limit", processes: 2 } }, idle] });
});
