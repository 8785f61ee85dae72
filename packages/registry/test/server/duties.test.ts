import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { readinessOf } from "../../src/health/readiness.js";
import { silentLog, type Log } from "../../src/observability/log.js";
import { inheritedAddress, parseListenAddress } from "../../src/server/listeners/listen-address.js";
import { bind } from "../../src/server/listeners/bind.js";
import { createDebugServer } from "../../src/server/debug/debug-server.js";
import { connectionLimit } from "../../src/server/connections/connection-limits.js";
import { startPurging } from "../../src/server/jobs/upload-purging.js";
import { portOf } from "./harness.js";

describe("upload purging", () => {
  const config = { enabled: true, age: 168 * 3_600_000, interval: 24 * 3_600_000, dryrun: false };
  const HOUR = 3_600_000;

  it("runs first after a random minute of the hour, then at its interval, and logs that", async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 10) });
    try {
      const lines: string[] = [];
      const log: Log = { ...silentLog, info: (line) => void lines.push(line), error: (line) => void lines.push(line) };
      const runs: { olderThan: Date; dryRun: boolean }[] = [];
      const stop = new AbortController();
      startPurging(
        config,
        (options) => {
          runs.push(options);
          return runs.length === 2
            ? Promise.reject(new Error("storage is away"))
            : Promise.resolve({ deleted: 3, errors: 1 });
        },
        { log, stop: stop.signal, random: () => 0.7 },
      );
      expect(lines).toEqual(["Starting upload purge in 42m0s"]);
      await vi.advanceTimersByTimeAsync(42 * 60_000);
      expect(runs).toEqual([{ olderThan: new Date(Date.UTC(2026, 0, 3, 0, 42)), dryRun: false }]);
      expect(lines.slice(1)).toEqual([
        "PurgeUploads starting: olderThan=2026-01-03T00:42:00.000Z, actuallyDelete=true",
        "Purge uploads finished.  Num deleted=3, num errors=1",
        "Starting upload purge in 24h0m0s",
      ]);
      await vi.advanceTimersByTimeAsync(24 * HOUR);
      expect(lines.at(-1)).toBe("the upload purge failed and will be tried again");
      await vi.advanceTimersByTimeAsync(24 * HOUR);
      expect(runs).toHaveLength(3);
      stop.abort();
      await vi.advanceTimersByTimeAsync(100 * HOUR);
      expect(runs).toHaveLength(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it("doesn't run where it is switched off", () => {
    startPurging({ ...config, enabled: false }, () => Promise.reject(new Error("called")), {
      log: { ...silentLog, info: () => expect.unreachable() },
      stop: new AbortController().signal,
    });
  });
});

describe("the debug address", () => {
  it("shows health, variables and metrics, and nothing else", async () => {
    let failures: Record<string, string> = {};
    let draining = false;
    let serving = 0;
    const server = createDebugServer({
      proxy: () => Promise.resolve({}),
      upstreams: () => Promise.resolve([{ name: "docker.io" }]),
      endpoints: () => [],
      health: () => failures,
      readiness: () => readinessOf({ failures, draining, serving }),
      metrics: { path: "/metrics", expose: () => Promise.resolve({ body: "a 1\n", contentType: "text/plain" }) },
    });
    const address = await bind(server, { kind: "tcp", host: "127.0.0.1", port: 0 });
    const ask = async (path: string, method = "GET"): Promise<[number, string | null, string]> => {
      const response = await fetch(`http://${address}${path}`, { method });
      return [response.status, response.headers.get("content-type"), await response.text()];
    };
    expect(await ask("/debug/health")).toEqual([200, "application/json", "{}"]);
    failures = { storagedriver_filesystem: "gone <away>" };
    expect(await ask("/debug/health")).toEqual([
      503,
      "application/json",
      String.raw`{"storagedriver_filesystem":"gone \u003caway\u003e"}`,
    ]);
    const ready = async (): Promise<unknown> => {
      const [status, , body] = await ask("/readyz");
      return [status, JSON.parse(body)];
    };
    expect(await ready()).toEqual([
      503,
      { ready: false, reasons: { storagedriver_filesystem: "gone <away>", workers: "no process serves" } },
    ]);
    serving = 1;
    failures = {};
    expect(await ready()).toEqual([200, { ready: true, reasons: {} }]);
    draining = true;
    const stopping = "the registry is stopping; requests under way are finished";
    expect(await ready()).toEqual([503, { ready: false, reasons: { shutdown: stopping } }]);
    expect(await ask("/livez")).toEqual([200, "text/plain; charset=utf-8", "ok\n"]);
    const missing = [404, "text/plain; charset=utf-8", "404 page not found\n"];
    expect(await ask("/debug/health", "POST")).toEqual(missing);
    expect(await ask("/debug/health/down", "POST")).toEqual(missing);
    expect(await ask("/metrics?x=1")).toEqual([200, "text/plain", "a 1\n"]);
    expect(await ask("/debug/upstreams")).toEqual([
      200,
      "application/json; charset=utf-8",
      `{"upstreams":[{"name":"docker.io"}]}\n`,
    ]);
    const [, , variables] = await ask("/debug/vars");
    expect(variables).toMatch(/^\{"cmdline":\[.+\],"memstats":\{.+\},"registry":\{.+\}\}\n$/);
    server.close();
    server.closeAllConnections();
  });
});

describe("addresses", () => {
  it("are read as Distribution reads them", () => {
    expect(parseListenAddress("tcp", ":5000")).toEqual({ kind: "tcp", host: undefined, port: 5000 });
    expect(parseListenAddress("tcp", "[::1]:0")).toEqual({ kind: "tcp", host: "::1", port: 0 });
    expect(parseListenAddress("tcp", "")).toEqual({ kind: "tcp", host: undefined, port: 0 });
    expect(parseListenAddress("unix", "/run/x.sock")).toEqual({ kind: "unix", path: "/run/x.sock" });
    expect(() => parseListenAddress("tcp", "5000")).toThrow(/expected host:port/);
    expect(() => parseListenAddress("unix", "")).toThrow(/http\.addr must name/);
  });

  it("may be systemd's, if there is exactly one", () => {
    expect(inheritedAddress({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7)).toEqual({ kind: "inherited", fd: 3 });
    expect(inheritedAddress({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 8)).toBeUndefined();
    expect(() => inheritedAddress({ LISTEN_PID: "7", LISTEN_FDS: "2" }, 7)).toThrow(/passed 2 sockets/);
  });

  it("that are in use are reported as such", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const port = portOf(other.address());
    const second = bind(createServer(), { kind: "tcp", host: "127.0.0.1", port });
    await expect(second).rejects.toThrow(
      `can't listen on 127.0.0.1:${port}: another process is listening there already`,
    );
    other.close();
  });
});

describe("the limit of connections", () => {
  it("is as configured, but at most what the system's descriptors allow", () => {
    expect(connectionLimit(20_000, undefined)).toBe(20_000);
    expect(connectionLimit(100, 20_000)).toBe(100);
    expect(connectionLimit(20_000, 20_000)).toBe(9872);
    expect(connectionLimit(0, 1024)).toBe(384);
    expect(connectionLimit(0, 100)).toBe(16);
  });
});
