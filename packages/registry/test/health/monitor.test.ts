import { createServer as createHttp } from "node:http";
import { createServer as createTcp } from "node:net";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDriver, StorageError, type StorageDriver } from "@longshore/storage";
import { describe, expect, it, vi } from "vitest";
import type { HealthConfig } from "../../src/config/config.js";
import type { HealthCheck } from "../../src/health/check.js";
import { createHealthChecks } from "../../src/health/checks.js";
import { HealthMonitor } from "../../src/health/monitor.js";

const NOTHING: HealthConfig = {
  gate: "probes",
  storagedriver: { enabled: false, interval: 10, threshold: 1, successthreshold: 1 },
  file: [],
  http: [],
  tcp: [],
};

/** The one check of a configuration, run once: undefined or what it says. */
async function runCheck(config: Partial<HealthConfig>, driver?: StorageDriver): Promise<[string, string | undefined]> {
  const [check] = createHealthChecks(
    { ...NOTHING, ...config },
    "filesystem",
    driver ?? (await createDriver("inmemory", {})),
  );
  if (check === undefined) throw new Error("no check");
  return check.check(AbortSignal.timeout(5000)).then(
    () => [check.name, undefined],
    (error: unknown) => [check.name, error instanceof Error ? error.message : String(error)],
  );
}

describe("the monitor", () => {
  it("fails after the threshold, recovers after one success, and looks first after one interval", async () => {
    vi.useFakeTimers();
    try {
      const results = [false, false, true, false, false, false, true];
      let looks = 0;
      const check: HealthCheck = {
        name: "c",
        interval: 1000,
        threshold: 2,
        successthreshold: 1,
        check: () => (results[looks++] === true ? Promise.resolve() : Promise.reject(new Error("down"))),
      };
      const seen: string[] = [];
      const monitor = new HealthMonitor([check], (failures) => seen.push(failures["c"] ?? "up"));
      monitor.start();
      await vi.advanceTimersByTimeAsync(999);
      expect(looks).toBe(0);
      await vi.advanceTimersByTimeAsync(1);
      expect(monitor.failures()).toEqual({});
      await vi.advanceTimersByTimeAsync(1000);
      expect(monitor.failures()).toEqual({ c: "down" });
      await vi.advanceTimersByTimeAsync(1000);
      expect(monitor.failures()).toEqual({});
      await vi.advanceTimersByTimeAsync(4000);
      expect(seen).toEqual(["down", "up", "down", "up"]);
      monitor.stop();
      await vi.advanceTimersByTimeAsync(10_000);
      expect(looks).toBe(7);
    } finally {
      vi.useRealTimers();
    }
  });

  it("recovers after as many successes in a row as are wanted, and any failure before that counts", async () => {
    vi.useFakeTimers();
    try {
      const results = [false, true, true, false, true, true, true, true];
      let looks = 0;
      const check: HealthCheck = {
        name: "c",
        interval: 1000,
        threshold: 1,
        successthreshold: 3,
        check: () => (results[looks++] === true ? Promise.resolve() : Promise.reject(new Error(`down ${looks}`))),
      };
      const monitor = new HealthMonitor([check]);
      monitor.start();
      const seen: (string | undefined)[] = [];
      while (seen.length < results.length) {
        await vi.advanceTimersByTimeAsync(1000);
        seen.push(monitor.failures()["c"]);
      }
      expect(seen).toEqual(["down 1", "down 1", "down 1", "down 4", "down 4", "down 4", undefined, undefined]);
      monitor.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it("refuses two checks of one name", () => {
    const check: HealthCheck = {
      name: "same",
      interval: 1,
      threshold: 1,
      successthreshold: 1,
      check: () => Promise.resolve(),
    };
    expect(() => new HealthMonitor([check, check])).toThrow(/two checks are named "same"/);
  });
});

describe("the storage check", () => {
  const storagedriver = { enabled: true, interval: 10, threshold: 1, successthreshold: 1 };

  it("takes an empty storage for healthy, and tells any other fault", async () => {
    const driver = await createDriver("inmemory", {});
    const failing = (error: Error): StorageDriver => ({
      ...driver,
      name: "filesystem",
      stat: () => Promise.reject(error),
    });
    const missing = new StorageError({ code: "PATH_NOT_FOUND", driver: "filesystem", path: "/" });
    expect(await runCheck({ storagedriver }, failing(missing))).toEqual(["storagedriver_filesystem", undefined]);
    const broken = new StorageError({ code: "DRIVER_ERROR", driver: "filesystem", operation: "stat", path: "/" });
    expect(await runCheck({ storagedriver }, failing(broken))).toEqual([
      "storagedriver_filesystem",
      "filesystem: stat failed",
    ]);
  });
});

describe("file, http and tcp checks", () => {
  it("a file that exists is a failure", async () => {
    const folder = await mkdtemp(join(tmpdir(), "longshore-health-"));
    const file = join(folder, "down");
    expect(await runCheck({ file: [{ file, interval: 1 }] })).toEqual([file, undefined]);
    await writeFile(file, "");
    expect(await runCheck({ file: [{ file, interval: 1 }] })).toEqual([file, "file exists"]);
    await rm(folder, { recursive: true });
  });

  it("a HEAD request must answer with the expected status", async () => {
    const methods: (string | undefined)[] = [];
    const server = createHttp((request, response) => {
      methods.push(`${request.method ?? ""} ${String(request.headers["x-probe"])}`);
      response.statusCode = 204;
      response.end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const uri = `http://127.0.0.1:${port}/x`;
    const base = {
      uri,
      headers: { "X-Probe": ["yes"] },
      timeout: 1000,
      interval: 1,
      threshold: 1,
      successthreshold: 1,
    };
    expect(await runCheck({ http: [{ ...base, statuscode: 204 }] })).toEqual([uri, undefined]);
    expect(await runCheck({ http: [{ ...base, statuscode: 200 }] })).toEqual([
      uri,
      `${uri}: downstream service returned unexpected status: 204`,
    ]);
    expect(methods).toEqual(["HEAD yes", "HEAD yes"]);
    server.close();
    server.closeAllConnections();
    const [, failure] = await runCheck({ http: [{ ...base, statuscode: 200 }] });
    expect(failure).toContain(`${uri}: error while checking: `);
  });

  it("a HEAD request follows redirects as the original's does, and shows no other host its credentials", async () => {
    const asked: string[] = [];
    const server = createHttp((request, response) => {
      asked.push(
        `${request.headers.host?.split(":")[0] ?? ""}${request.url ?? ""} ${request.headers.authorization ?? "-"}`,
      );
      const port = request.socket.localPort ?? 0;
      const next: Record<string, string> = { "/a": "/b", "/b": `http://localhost:${port}/c`, "/loop": "/loop" };
      const location = next[request.url ?? ""];
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end();
    }).listen(0);
    await once(server, "listening");
    const address = server.address();
    const origin = `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
    const base = { headers: { Authorization: ["Basic eA=="] }, statuscode: 200, timeout: 1000, interval: 1 };
    const check = (path: string) => ({ ...base, uri: `${origin}${path}`, threshold: 1, successthreshold: 1 });
    expect(await runCheck({ http: [check("/a")] })).toEqual([`${origin}/a`, undefined]);
    expect(asked).toEqual(["127.0.0.1/a Basic eA==", "127.0.0.1/b Basic eA==", "localhost/c -"]);
    const [, failure] = await runCheck({ http: [check("/loop")] });
    expect(failure).toBe(`${origin}/loop: error while checking: stopped after 10 redirects`);
    server.close();
    server.closeAllConnections();
  });

  it("a TCP address must accept a connection", async () => {
    const server = createTcp().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const addr = `127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
    const check = { addr, timeout: 1000, interval: 1, threshold: 1, successthreshold: 1 };
    expect(await runCheck({ tcp: [check] })).toEqual([addr, undefined]);
    await new Promise((resolve) => server.close(resolve));
    const [, failure] = await runCheck({ tcp: [check] });
    expect(failure).toMatch(new RegExp(`^${addr}: connection failed: `));
  });
});
