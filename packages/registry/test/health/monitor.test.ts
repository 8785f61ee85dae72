import { createServer as createHttp, type IncomingMessage } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp } from "node:net";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createDriver, StorageError, type StorageDriver } from "@longshore/storage";
import { listen, serveHttp } from "@longshore/testkit/loopback";
import { testFolder } from "@longshore/testkit/test-folder";
import { describe, expect, it, vi } from "vitest";
import type { HealthCheck } from "../../src/health/health-check.js";
import { HealthMonitor } from "../../src/health/monitor.js";
import { CERTIFICATE, KEY } from "../cli/certificates.js";
import { configOf } from "../config/support.js";

/** The one check of a configuration, run once: undefined or what it says. */
async function runCheck(health: object, driver?: StorageDriver): Promise<[string, string | undefined]> {
  const config = configOf(JSON.stringify({ version: "0.1", storage: "filesystem", health }));
  const registry = { driver: driver ?? (await createDriver("inmemory", {})), storageType: config.storage.type };
  const [check] = config.health.checks.flatMap((each) => each.check.open(registry) ?? []);
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
      monitor.close();
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
      monitor.close();
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
  const storagedriver = { enabled: true, interval: "10ms", threshold: 1, successthreshold: 1 };

  it("treats an empty storage as healthy, and reports any other fault", async () => {
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
    const file = join(await testFolder(), "down");
    expect(await runCheck({ file: [{ file, interval: "1s" }] })).toEqual([file, undefined]);
    await writeFile(file, "");
    expect(await runCheck({ file: [{ file, interval: "1s" }] })).toEqual([file, "file exists"]);
  });

  it("a HEAD request must answer with the expected status", async () => {
    const methods: (string | undefined)[] = [];
    const server = await serveHttp((request, response) => {
      methods.push(`${request.method ?? ""} ${String(request.headers["x-probe"])}`);
      response.statusCode = 204;
      response.end();
    });
    const uri = `${server.url}/x`;
    const base = {
      uri,
      headers: { "X-Probe": ["yes"] },
      timeout: "1s",
      interval: "1s",
      threshold: 1,
      successthreshold: 1,
    };
    expect(await runCheck({ http: [{ ...base, statuscode: 204 }] })).toEqual([uri, undefined]);
    expect(await runCheck({ http: [{ ...base, statuscode: 200 }] })).toEqual([
      uri,
      `${uri}: downstream service returned unexpected status: 204`,
    ]);
    expect(methods).toEqual(["HEAD yes", "HEAD yes"]);
    await server.close();
    const [, failure] = await runCheck({ http: [{ ...base, statuscode: 200 }] });
    expect(failure).toContain(`${uri}: error while checking: `);
  });

  it("a redirect from https to http of the same host gets none of the headers, and neither does the way back", async () => {
    const warning = vi.spyOn(process, "emitWarning").mockReturnValue();
    // The certificate is the test's own.
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const asked: string[] = [];
    const note = ({ url = "", headers }: IncomingMessage): void =>
      void asked.push(`${url} ${headers.authorization ?? "-"} ${String(headers["x-api-key"] ?? "-")}`);
    const addresses = { secure: "" };
    await using plain = await serveHttp((request, response) => {
      note(request);
      response.writeHead(302, { location: `${addresses.secure}/back` }).end();
    });
    await using secure = await listen(
      createHttps({ cert: CERTIFICATE, key: KEY }, (request, response) => {
        note(request);
        if (request.url === "/back") response.end();
        else response.writeHead(302, { location: `${plain.url}/plain` }).end();
      }),
    );
    addresses.secure = `https://${secure.host}`;
    const uri = `${addresses.secure}/a`;
    const headers = { Authorization: ["Basic eA=="], "X-Api-Key": ["k"] };
    const check = { uri, headers, statuscode: 200, timeout: "1s", interval: "1s", threshold: 1, successthreshold: 1 };
    try {
      expect(await runCheck({ http: [check] })).toEqual([uri, undefined]);
    } finally {
      vi.unstubAllEnvs();
      warning.mockRestore();
    }
    expect(asked).toEqual(["/a Basic eA== k", "/plain - -", "/back - -"]);
  });

  it("a HEAD request follows redirects as Distribution does, and shows no other host its headers", async () => {
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
    const base = { headers: { Authorization: ["Basic eA=="] }, statuscode: 200, timeout: "1s", interval: "1s" };
    const check = (path: string) => ({ ...base, uri: `${origin}${path}`, threshold: 1, successthreshold: 1 });
    expect(await runCheck({ http: [check("/a")] })).toEqual([`${origin}/a`, undefined]);
    expect(asked).toEqual(["127.0.0.1/a Basic eA==", "127.0.0.1/b Basic eA==", "localhost/c -"]);
    const [, failure] = await runCheck({ http: [check("/loop")] });
    expect(failure).toBe(`${origin}/loop: error while checking: stopped after 10 redirects`);
    server.close();
    server.closeAllConnections();
  });

  it("a TCP address must accept a connection", async () => {
    const server = await listen(createTcp());
    const addr = server.host;
    const check = { addr, timeout: "1s", interval: "1s", threshold: 1, successthreshold: 1 };
    expect(await runCheck({ tcp: [check] })).toEqual([addr, undefined]);
    await server.close();
    const [, failure] = await runCheck({ tcp: [check] });
    expect(failure).toMatch(new RegExp(`^${addr}: connection failed: `));
  });
});
