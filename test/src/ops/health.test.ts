import { readFile, rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { freePort } from "@longshore/testkit/loopback";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { randomContent, pushBlob } from "@longshore/testkit/fixtures";
import { beginUpload, startSlowPush, clientAt } from "../server/push.js";

const STOPPING = {
  ready: false,
  reasons: { shutdown: "the registry is stopping; requests under way are finished" },
};

interface Probed extends AsyncDisposable {
  readonly registry: ServedRegistry;
  /** The status of a path of the API's address, over a connection of its own. */
  readonly main: (path: string) => Promise<number>;
  /** Status and document of a path of the debug address. */
  readonly debug: (path: string) => Promise<readonly [status: number, document: unknown]>;
}

async function serve(workers: number, health: Readonly<Record<string, unknown>>): Promise<Probed> {
  const address = `127.0.0.1:${await freePort()}`;
  const registry = await serveRegistry({
    http: { addr: `127.0.0.1:${await freePort()}`, workers, draintimeout: "30s", debug: { addr: address } },
    rest: { health },
  });
  return {
    registry,
    async main(path) {
      const headers = { connection: "close" };
      return (await fetch(`http://127.0.0.1:${registry.port}${path}`, { headers })).status;
    },
    async debug(path) {
      const response = await fetch(`http://${address}${path}`);
      return [response.status, await response.json()];
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

describe.each([1, 2])("the probes of %d worker(s)", (workers) => {
  it("fail while a check does, and pulls continue; readiness fails at once on a stop, while requests finish", async () => {
    await using probed = await serve(workers, { file: [{ file: "FOLDER/down", interval: "50ms" }] });
    const { registry, main, debug } = probed;
    const blob = randomContent(1000);
    await pushBlob(clientAt(registry.port), "a", blob);
    const paths = ["/livez", "/readyz", "/", "/v2/", `/v2/a/blobs/${blob.digest}`];
    const statuses = (): Promise<number[]> => Promise.all(paths.map((path) => main(path)));
    expect(await statuses()).toEqual([200, 200, 200, 200, 200]);
    expect(await debug("/readyz")).toEqual([200, { ready: true, reasons: {} }]);

    await writeFile(`${registry.folder}/down`, "");
    await expect.poll(statuses).toEqual([200, 503, 503, 200, 200]);
    const failures = { [`${registry.folder}/down`]: "file exists" };
    expect(await debug("/readyz")).toEqual([503, { ready: false, reasons: failures }]);
    expect(await debug("/debug/health")).toEqual([503, failures]);
    await rm(`${registry.folder}/down`);
    await expect.poll(statuses).toEqual([200, 200, 200, 200, 200]);

    const push = startSlowPush(await beginUpload(registry.port, "a", blob.digest), blob.bytes.length);
    await push.send(blob.bytes.subarray(0, 100));
    registry.kill("SIGTERM");
    await registry.logged("SIGTERM: no new connections");
    await expect.poll(() => debug("/readyz")).toEqual([503, STOPPING]);
    expect(await push.finish(blob.bytes.subarray(100))).toBe(201);
    expect(await registry.exited).toBe(0);
  }, 60_000);
});

it("a registry none of whose workers serves isn't ready, and is again when one does", async () => {
  await using probed = await serve(2, {});
  const { registry, main, debug } = probed;
  const children = (await readFile(`/proc/${registry.pid}/task/${registry.pid}/children`, "utf8")).trim().split(" ");
  for (const worker of children) process.kill(Number(worker), "SIGKILL");
  await expect
    .poll(() => debug("/readyz"), { interval: 5 })
    .toEqual([503, { ready: false, reasons: { workers: "no process serves" } }]);
  await expect.poll(() => debug("/readyz")).toEqual([200, { ready: true, reasons: {} }]);
  expect(await main("/readyz")).toBe(200);
}, 60_000);

it("gate: all turns everything except liveness into 503 while a check fails, as in Distribution", async () => {
  await using probed = await serve(1, { gate: "all", file: [{ file: "FOLDER/config.yml", interval: "20ms" }] });
  const { main } = probed;
  await expect.poll(() => main("/v2/")).toBe(503);
  expect(await Promise.all(["/", "/v2/_catalog", "/anything", "/readyz", "/livez"].map((path) => main(path)))).toEqual([
    503, 503, 503, 503, 200,
  ]);
}, 60_000);
