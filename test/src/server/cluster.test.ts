import { readFile, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { freePort } from "@longshore/testkit/loopback";
import { serveRegistry } from "./process.js";
import { randomContent, pushBlob } from "@longshore/testkit/fixtures";
import { listen } from "@longshore/testkit/loopback";
import { beginUpload, clientAt } from "./push.js";

describe("several workers", () => {
  it("accept one another's upload states, without a configured secret", async () => {
    await using registry = await serveRegistry({ http: { workers: 2, secret: "" } });
    expect(registry.stderr()).toContain("No HTTP secret provided - generated random secret.");
    // Connections go round robin: the session and its commit meet different workers.
    for (let round = 0; round < 4; round += 1) await pushBlob(clientAt(registry.port), "a", randomContent(1000));
  });

  it("are replaced when they die, while the others serve on", async () => {
    await using registry = await serveRegistry({ http: { workers: 2 } });
    const [first] = await childrenOf(registry.pid);
    if (first === undefined) throw new Error("no worker");
    process.kill(first, "SIGKILL");
    await registry.logged(`worker ${first} ended (SIGKILL)`);
    expect((await fetch(`http://127.0.0.1:${registry.port}/v2/`)).status).toBe(200);
    await registry.logged("a new worker is serving");
    expect(await childrenOf(registry.pid)).toHaveLength(2);
    await pushBlob(clientAt(registry.port), "a", randomContent(1000));
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
  });

  it("come back when all have died at once, with the configuration read at startup although it was edited since", async () => {
    await using registry = await serveRegistry({ http: { workers: 2, addr: `127.0.0.1:${await freePort()}` } });
    await writeFile(`${registry.folder}/config.yml`, "version: 0.1\nstorage: {}\nhttp: {workers: 2}\n");
    for (const worker of await childrenOf(registry.pid)) process.kill(worker, "SIGKILL");
    await registry.logged(/a new worker is serving[\s\S]*a new worker is serving/);
    await pushBlob(clientAt(registry.port), "a", randomContent(1000));
  });

  it("end when their primary is killed", async () => {
    await using registry = await serveRegistry({ http: { workers: 2 } });
    const workers = await childrenOf(registry.pid);
    registry.kill("SIGKILL");
    await registry.exited;
    await expect.poll(async () => (await Promise.all(workers.map(isAlive))).some(Boolean)).toBe(false);
  });

  it("report combined metrics, and the primary's health", async () => {
    const debug = await freePort();
    await using registry = await serveRegistry({
      http: { workers: 2, debug: { addr: `127.0.0.1:${debug}`, prometheus: { enabled: true, path: "/m" } } },
      rest: { health: { file: [{ file: "FOLDER/down", interval: "50ms" }] } },
    });
    for (let count = 0; count < 6; count += 1) {
      await fetch(`http://127.0.0.1:${registry.port}/v2/`, { headers: { connection: "close" } });
    }
    await beginUpload(registry.port, "a", "sha256:0");
    const text = await (await fetch(`http://127.0.0.1:${debug}/m`)).text();
    expect(text).toContain('registry_http_requests_total{handler="base",code="200",method="get"} 6\n');
    expect(text).toMatch(/registry_storage_action_seconds_count\{driver="filesystem",action="PutContent"\} \d/);
    expect(text).toContain('registry_http_in_flight_requests{handler="manifest"} 0\n');

    const health = async (): Promise<number> => (await fetch(`http://127.0.0.1:${debug}/debug/health`)).status;
    const serves = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${registry.port}/`, { headers: { connection: "close" } })).status;
    expect([await health(), await serves()]).toEqual([200, 200]);
    const { writeFile, rm } = await import("node:fs/promises");
    await writeFile(`${registry.folder}/down`, "");
    await expect.poll(async () => [await health(), await serves(), await serves()]).toEqual([503, 503, 503]);
    const failures: unknown = await (await fetch(`http://127.0.0.1:${debug}/debug/health`)).json();
    expect(failures).toEqual({ [`${registry.folder}/down`]: "file exists" });
    await rm(`${registry.folder}/down`);
    await expect.poll(async () => [await health(), await serves(), await serves()]).toEqual([200, 200, 200]);
  });
});

describe("a start that can't succeed", () => {
  it.each([1, 2])("exits with 1 and says that the port is in use (%d workers)", async (workers) => {
    await using other = await listen(createServer());
    const { port } = other;
    const started = serveRegistry({ http: { addr: `127.0.0.1:${port}`, workers } });
    await expect(started).rejects.toThrow(
      new RegExp(
        `exit 1 [\\s\\S]*level=error msg="can't listen on 127\\.0\\.0\\.1:${port}: another process is listening`,
      ),
    );
  });
});

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

async function isAlive(pid: number): Promise<boolean> {
  const names = await readdir(`/proc/${pid}`).catch(() => []);
  if (names.length === 0) return false;
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return status !== "" && !/^State:\s+Z/m.test(status);
}
