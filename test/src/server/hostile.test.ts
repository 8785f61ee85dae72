import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { serveRegistry } from "./process.js";
import { randomContent, pushBlob } from "@longshore/testkit/fixtures";
import { beginUpload, clientAt } from "./push.js";

/** Ten thousand connections take a while to open, in ms. */
const LONG = 120_000;

describe("hostile clients", () => {
  it("2,000 idle connections don't keep others from pushing and pulling", async () => {
    await using registry = await serveRegistry({ http: { limits: { connections: 1000 } } });
    const sockets = await openMany(registry.port, 2000, "GET /v2/ HTTP/1.1\r\nHost:");
    const blob = randomContent(1024 * 1024);
    await pushBlob(clientAt(registry.port), "a", blob);
    const response = await fetch(`http://127.0.0.1:${registry.port}/v2/a/blobs/${blob.digest}`);
    expect(Buffer.from(await response.arrayBuffer()).equals(blob.bytes)).toBe(true);
    // Those that have been idle the longest made room.
    await expect.poll(() => sockets.filter((socket) => socket.destroyed).length).toBeGreaterThanOrEqual(1000);
    for (const socket of sockets) socket.destroy();
  });

  it(
    "10,000 connections that send their heads and bodies byte by byte don't keep others from pushing and pulling",
    async () => {
      await using registry = await serveRegistry({ http: { workers: 2 } });
      const location = await beginUpload(registry.port, "slow", "sha256:0");
      const { pathname, search } = new URL(location);
      const clients = await Promise.all([
        trickle(registry.port, 2500, "GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Slow: "),
        trickle(registry.port, 2500, "PUT /v2/slow/manifests/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n{"),
        trickle(registry.port, 2500, "POST /v2/slow/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"),
        trickle(registry.port, 2500, `PATCH ${pathname}${search} HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n`),
      ]);
      try {
        for (let round = 0; round < 5; round += 1) {
          const blob = randomContent(1024 * 1024);
          await pushBlob(clientAt(registry.port), "a", blob);
          const response = await fetch(`http://127.0.0.1:${registry.port}/v2/a/blobs/${blob.digest}`);
          expect(Buffer.from(await response.arrayBuffer()).equals(blob.bytes)).toBe(true);
        }
      } finally {
        for (const client of clients) client.kill("SIGKILL");
      }
      registry.kill("SIGTERM");
      expect(await registry.exited).toBe(0);
    },
    LONG,
  );

  it(
    "400 manifests that stop before their end cost less than 300 MiB, and others push meanwhile",
    async () => {
      await using registry = await serveRegistry();
      const head = `PUT /v2/a/manifests/x HTTP/1.1\r\nHost: a\r\nContent-Length: ${4 * 1024 * 1024}\r\n\r\n`;
      const sockets = await openMany(registry.port, 400, head);
      let refused = 0;
      for (const socket of sockets) socket.once("data", () => (refused += 1));
      const most = { rss: 0 };
      const part = Buffer.alloc(4 * 1024 * 1024 - 10, 0x20);
      for (const socket of sockets) socket.write(part);
      // The budget has room for some; the others are told to come again.
      await expect
        .poll(
          () => {
            most.rss = Math.max(most.rss, residentBytes(registry.pid));
            return refused;
          },
          { timeout: LONG, interval: 50 },
        )
        .toBeGreaterThan(380);
      most.rss = Math.max(most.rss, residentBytes(registry.pid));
      expect(most.rss).toBeLessThan(300 * 1024 * 1024);
      const url = `http://127.0.0.1:${registry.port}/v2/a/manifests/y`;
      const answer = await fetch(url, { method: "PUT", body: "{}" });
      expect(await answer.text()).toContain("MANIFEST_INVALID");
      for (const socket of sockets) socket.destroy();
    },
    LONG,
  );

  it("a head that never ends gets a 408, one that is too large a 431, and other requests continue", async () => {
    await using registry = await serveRegistry({ http: { limits: { headersize: 8192, headertimeout: "300ms" } } });
    expect(await raw(registry.port, "GET /v2/ HTTP/1.1\r\nHost: ")).toMatch(/^HTTP\/1\.1 408 /);
    const large = `GET /v2/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${"x".repeat(10_000)}\r\n\r\n`;
    expect(await raw(registry.port, large)).toMatch(/^HTTP\/1\.1 431 /);
    expect((await fetch(`http://127.0.0.1:${registry.port}/v2/`)).status).toBe(200);
  });

  it("a request with two Host lines is answered with 400, in its turn, and nothing behind it is begun", async () => {
    await using registry = await serveRegistry();
    const get = (path: string, ...hosts: readonly string[]): string =>
      `GET ${path} HTTP/1.1\r\n${hosts.map((host) => `${host}\r\n`).join("")}Hosts: x\r\nX-Host: x\r\n\r\n`;
    for (const second of ["host: b", "HOST: a"]) {
      const answers = await raw(
        registry.port,
        get("/v2/", "Host: a") + get("/v2/", "Host: a", second) + get("/v2/", "Host: a"),
      );
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
      expect(answers).toMatch(/\r\nConnection: close\r\n[^]*\r\n\r\n.*too many Host headers$/);
    }
  });

  it("a body that stalls is cut off, and what arrived is kept so that the client can resume", async () => {
    await using registry = await serveRegistry({ http: { limits: { bodyidletimeout: "300ms" } } });
    const blob = randomContent(4000);
    const location = new URL(await beginUpload(registry.port, "a", blob.digest));
    const head = `PATCH ${location.pathname}${location.search} HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\n`;
    const answer = await raw(registry.port, `${head}Content-Length: 4000\r\n\r\n${"x".repeat(1000)}`);
    expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
    const status = await fetch(`${location.origin}${location.pathname}`);
    expect(status.status).toBe(204);
    expect(status.headers.get("range")).toBe("0-999");
  });
});

describe("logs", () => {
  it("never show credentials, upload states or the secret", async () => {
    const http = { secret: "the-configured-secret", headers: { "X-A": ["b"] } };
    await using registry = await serveRegistry({ http, rest: { log: { level: "debug", formatter: "json" } } });
    const base = `http://127.0.0.1:${registry.port}`;
    const headers = { authorization: "Basic dXNlcjpodW50ZXIyaHVudGVyMg==" };
    const blob = randomContent(100);
    const location = await beginUpload(registry.port, "a", blob.digest);
    const state = new URL(location).searchParams.get("_state") ?? "";
    expect(state.length).toBeGreaterThan(40);
    await fetch(location, {
      method: "PUT",
      headers: { ...headers, "content-type": "application/octet-stream" },
      body: blob.bytes,
    });
    await fetch(`${base}/v2/?token=tok-123-secret&access_token=tok-456-secret`, { headers });
    await fetch(`${base}/v2/a/manifests/none?password=pass-789-secret`, {
      headers: { ...headers, referer: "http://user:pass-abc-secret@x/" },
    });
    // A forged state is refused, and the refusal is logged.
    await fetch(`${location.split("?")[0] ?? ""}?_state=forged-state-secret&digest=${blob.digest}`, { method: "PUT" });
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
    const logs = registry.stdout() + registry.stderr();
    expect(logs).toContain("_state=redacted");
    expect(logs).toMatch(/"err.code":"manifest unknown"/);
    for (const secret of [
      state,
      encodeURIComponent(state),
      "dXNlcjpodW50ZXIyaHVudGVyMg",
      "the-configured-secret",
      "tok-123-secret",
      "tok-456-secret",
      "pass-789-secret",
      "pass-abc-secret",
      "forged-state-secret",
    ]) {
      expect(logs).not.toContain(secret);
    }
  });

  it("go to standard output (access) and standard error (the rest), with one id for a request's lines", async () => {
    await using registry = await serveRegistry();
    const response = await fetch(`http://127.0.0.1:${registry.port}/v2/a/tags/list`, {
      headers: { "x-request-id": "balancer-4711", "user-agent": "tester/1" },
    });
    expect(response.status).toBe(404);
    await registry.logged("response completed with error");
    expect(registry.stdout()).toMatch(
      /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/v2\/a\/tags\/list HTTP\/1\.1" 404 \d+ "" "tester\/1"\n$/,
    );
    expect(registry.stderr()).toMatch(
      /^time="[^"]+" level=info msg="response completed with error" err\.code="name unknown" .*http\.request\.id=balancer-4711 .* service=registry vars\.name=a version=\S+$/m,
    );
  });

  it("count no bytes for the HEAD of a blob, and what a GET would have for other ones", async () => {
    await using registry = await serveRegistry();
    const blob = randomContent(100_000);
    await pushBlob(clientAt(registry.port), "a", blob);
    for (const path of [`blobs/${blob.digest}`, "manifests/none"]) {
      await fetch(`http://127.0.0.1:${registry.port}/v2/a/${path}`, { method: "HEAD" });
    }
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
    expect(registry.stdout()).toMatch(/"HEAD \/v2\/a\/blobs\/sha256:\w+ HTTP\/1\.1" 200 0 /);
    expect(registry.stdout()).toMatch(/"HEAD \/v2\/a\/manifests\/none HTTP\/1\.1" 404 [1-9]\d+ /);
  });

  it("report a push whose client has disconnected", async () => {
    await using registry = await serveRegistry();
    const location = new URL(await beginUpload(registry.port, "a", randomContent(1).digest));
    const head = `PATCH ${location.pathname}${location.search} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`;
    connect(registry.port, "127.0.0.1").end(`${head}abc`);
    const log = await registry.logged("response completed with error");
    expect(log).toMatch(/err\.code=unknown err\.detail="client disconnected" .*http\.request\.method=PATCH /);
    registry.kill("SIGTERM");
    await registry.exited;
    expect(registry.stdout()).toMatch(/"PATCH \/v2\/a\/blobs\/uploads\/\S+ HTTP\/1\.1" 499 0 /);
  });

  it("whose reader has gone don't stop the registry", async () => {
    await using registry = await serveRegistry();
    registry.dropLogs();
    for (let count = 0; count < 100; count += 1) {
      expect((await fetch(`http://127.0.0.1:${registry.port}/v2/`)).status).toBe(200);
    }
    await pushBlob(clientAt(registry.port), "a", randomContent(1000));
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
  });
});

/** A process of its own, since descriptors are bounded for each, that opens `count` connections and drips into them. */
async function trickle(port: number, count: number, text: string): Promise<ChildProcess> {
  const program = `
    const sockets = [];
    const open = () => {
      if (sockets.length === ${count}) return void process.send("open");
      const socket = require("node:net").connect(${port}, "127.0.0.1", () => (socket.write(process.argv[1]), open()));
      socket.on("error", () => undefined).resume();
      sockets.push(socket);
    };
    open();
    setInterval(() => sockets.forEach((socket) => socket.writable && socket.write("x")), 2000);
    process.on("disconnect", () => process.exit());`;
  const child = spawn(process.execPath, ["-e", program, text], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  await once(child, "message");
  return child;
}

async function openMany(port: number, count: number, text: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let opened = 0; opened < count; opened += 100) {
    const batch = Array.from({ length: 100 }, () => connect(port, "127.0.0.1"));
    await Promise.all(
      batch.map(async (socket) => {
        socket.on("error", () => undefined).resume();
        await once(socket, "connect");
        socket.write(text);
      }),
    );
    sockets.push(...batch);
  }
  return sockets;
}

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
    socket.on("error", () => undefined).once("close", () => resolve(received));
  });
}

/** What a process holds of the machine's memory. */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
