import { once } from "node:events";
import { writeFile, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configOf, exchangeRaw, serve } from "./harness.js";

const LOCAL = "addr: '127.0.0.1:0'";
const hello = (_request: unknown, response: { end(text: string): void }): void => response.end("hello");

describe("a server over TCP", () => {
  it("responds, and logs its address", async () => {
    await using server = await serve(configOf(`{${LOCAL}}`), hello);
    expect(server.address).toBe(`127.0.0.1:${server.port}`);
    const response = await fetch(`http://127.0.0.1:${server.port}/v2/`);
    expect(await response.text()).toBe("hello");
  });

  it.each([
    ["[]", "127.0.0.1", /^203\.0\.113\.9$/],
    ["[127.0.0.1]", "203.0.113.9", /^203\.0\.113\.9$/],
    ["[10.0.0.1]", "127.0.0.1", /^127\.0\.0\.1:\d+$/],
  ])("shows in its logs the client that trusted proxies name (%s)", async (trusted, inAccess, inApplication) => {
    await using server = await serve(configOf(`{${LOCAL}, trustedproxies: ${trusted}}`), hello);
    const head = "GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n";
    await exchangeRaw(server.port, head);
    await expect.poll(() => server.access.length, { timeout: 60_000 }).toBe(1);
    expect(server.access[0]?.split(" ", 1)).toEqual([inAccess]);
    await expect.poll(() => server.application.length, { timeout: 60_000 }).toBe(1);
    const [, shown = ""] = /http\.request\.remoteaddr="?([^" ]+)/.exec(server.application[0] ?? "") ?? [];
    expect(shown).toMatch(inApplication);
  });

  it("answers 431 where the head is too large", async () => {
    await using server = await serve(configOf(`{${LOCAL}, limits: {headersize: 8192}}`), hello);
    const head = `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${"x".repeat(9000)}\r\n\r\n`;
    expect(await exchangeRaw(server.port, head)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("responds with 408 if the head is too slow, and closes a silent connection", async () => {
    await using server = await serve(configOf(`{${LOCAL}, limits: {headertimeout: 200ms}}`), hello);
    const [slow, silent] = await Promise.all([
      exchangeRaw(server.port, "GET / HTTP/1.1\r\nHost:"),
      exchangeRaw(server.port, ""),
    ]);
    expect(slow).toMatch(/^HTTP\/1\.1 408 /);
    expect(silent).not.toMatch(/200/);
  });

  it("closes a connection that stays idle", async () => {
    await using server = await serve(configOf(`{${LOCAL}, limits: {idletimeout: 100ms}}`), hello);
    const answer = await exchangeRaw(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    await expect.poll(() => server.connections.size).toBe(0);
  });

  it("cuts a client that owes body bytes and sends none", async () => {
    await using server = await serve(configOf(`{${LOCAL}, limits: {bodyidletimeout: 200ms}}`), (incoming, response) => {
      incoming.resume();
      incoming.once("end", () => response.end());
    });
    expect(await exchangeRaw(server.port, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")).toBe("");
  });

  it("disconnects a client that doesn't read its response", async () => {
    await using server = await serve(
      configOf(`{${LOCAL}, limits: {bodyidletimeout: 200ms}}`),
      (_incoming, response) => {
        response.end(Buffer.alloc(32 * 1024 * 1024));
      },
    );
    const socket = connect(server.port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    socket.pause();
    await once(socket, "connect");
    while (server.connections.size === 0) await new Promise(setImmediate);
    while (server.connections.size > 0) await new Promise(setImmediate);
    socket.destroy();
    expect(server.access.join("")).toMatch(/"GET \/ HTTP\/1\.1" 200 \d+ /);
  });

  it("never cuts a client that waits for a slow storage", async () => {
    let answer = (): void => undefined;
    await using server = await serve(configOf(`{${LOCAL}, limits: {bodyidletimeout: 50ms}}`), (incoming, response) => {
      incoming.resume();
      answer = () => response.end("done");
    });
    const response = fetch(`http://127.0.0.1:${server.port}/`, { method: "PUT", body: "abc" });
    const end = Date.now() + 400;
    while (Date.now() < end) await new Promise(setImmediate);
    answer();
    expect(await (await response).text()).toBe("done");
  });
});

describe("the limit of connections", () => {
  it("makes room by closing the connection that has been idle the longest", async () => {
    await using server = await serve(configOf(`{${LOCAL}}`), hello, 2);
    const idle = connect(server.port, "127.0.0.1").resume();
    const closed = once(idle, "close");
    await once(idle, "connect");
    while (server.connections.size < 1) await new Promise(setImmediate);
    const other = connect(server.port, "127.0.0.1");
    await once(other, "connect");
    while (server.connections.size < 2) await new Promise(setImmediate);
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    expect(response.status).toBe(200);
    await closed;
    expect(other.destroyed).toBe(false);
    other.destroy();
  });

  it("closes the newcomer where every connection has work", async () => {
    const answers: (() => void)[] = [];
    await using server = await serve(
      configOf(`{${LOCAL}}`),
      (_request, response) => void answers.push(() => response.end()),
      1,
    );
    const busy = fetch(`http://127.0.0.1:${server.port}/`);
    while (answers.length < 1) await new Promise(setImmediate);
    expect(await exchangeRaw(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toBe("");
    answers[0]?.();
    expect((await busy).status).toBe(200);
  });
});

describe("a server on a unix socket", () => {
  it("removes a socket that was left there, and refuses any other file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "longshore-unix-"));
    try {
      const path = join(folder, "registry.sock");
      const { listenAddress } = await import("../../src/server/listeners/listen-address.js");
      await writeFile(path, "precious");
      await expect(listenAddress({ net: "unix", addr: path })).rejects.toThrow(/file that isn't a socket/);
      await rm(path);
      await using server = await serve(configOf(`{net: unix, addr: ${path}}`), hello);
      expect(server.address).toBe(path);
      const text = await new Promise<string>((resolve, reject) => {
        request({ socketPath: path, path: "/v2/" }, (response) => {
          response.setEncoding("utf8").once("data", resolve);
        })
          .once("error", reject)
          .end();
      });
      expect(text).toBe("hello");
      expect(server.access[0]).toMatch(/^@ - - \[/);
      // As after a crash: the file is still there, and the next start takes its place.
      await expect(listenAddress({ net: "unix", addr: path })).resolves.toEqual({ kind: "unix", path });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("HTTP/2 with prior knowledge", () => {
  it("cuts off a stream whose client reads nothing, although its connection is alive", async () => {
    const config = configOf(`{${LOCAL}, h2c: {enabled: true}, limits: {bodyidletimeout: 200ms}}`);
    await using server = await serve(config, (_incoming, response) => void response.end("x".repeat(100_000)));
    const client = connectHttp2(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 0 } });
    const pings = setInterval(() => client.ping(() => undefined), 20);
    const stream = client.request({ ":path": "/" });
    stream.on("error", () => undefined);
    await once(stream, "close");
    expect(client.destroyed).toBe(false);
    clearInterval(pings);
    client.destroy();
    await expect.poll(() => server.connections.size).toBe(0);
  });

  it("counts of an answer that the client cancels what was sent", async () => {
    await using server = await serve(configOf(`{${LOCAL}, h2c: {enabled: true}}`), (_incoming, response) => {
      response.writeHead(200, { "Content-Length": 1_000_000 });
      response.write(Buffer.alloc(1000));
    });
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    const stream = session.request({ ":path": "/" });
    await once(stream, "data");
    stream.close();
    while (server.access.length === 0) await new Promise(setImmediate);
    expect(server.access.join("")).toMatch(/"GET \/ HTTP\/2\.0" 200 1\d{3} /);
    session.destroy();
  });

  it("works beside HTTP/1.1 on one port when h2c is enabled", async () => {
    await using server = await serve(configOf(`{${LOCAL}, h2c: {enabled: true}}`), (incoming, response) => {
      response.end(`HTTP/${incoming.httpVersion}`);
    });
    const client = connectHttp2(`http://127.0.0.1:${server.port}`);
    const stream = client.request({ ":path": "/v2/" });
    stream.setEncoding("utf8");
    expect(await once(stream, "data")).toEqual(["HTTP/2.0"]);
    client.close();
    const answers = await Promise.all([1, 2].map(async () => (await fetch(`http://127.0.0.1:${server.port}/`)).text()));
    expect(answers).toEqual(["HTTP/1.1", "HTTP/1.1"]);
    // A client that sends its head in pieces shorter than the preface.
    const text = new Promise<string>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write("P", () =>
          socket.write("UT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        );
      });
      let received = "";
      socket.on("data", (chunk) => (received += chunk.toString())).once("close", () => resolve(received));
    });
    expect(await text).toMatch(/HTTP\/1\.1$/);
  });

  it("isn't spoken otherwise", async () => {
    await using server = await serve(configOf(`{${LOCAL}}`), hello);
    expect(await exchangeRaw(server.port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).not.toMatch(/200/);
  });
});

describe("a stop", () => {
  it("lets exchanges finish, refuses new connections, and closes idle ones at once", async () => {
    const answers: (() => void)[] = [];
    const server = await serve(configOf(`{${LOCAL}}`), (incoming, response) => {
      if (incoming.url === "/slow") answers.push(() => response.end("late"));
      else response.end("hello");
    });
    const idle = connect(server.port, "127.0.0.1").resume();
    const closed = once(idle, "close");
    await once(idle, "connect");
    const slow = fetch(`http://127.0.0.1:${server.port}/slow`);
    while (answers.length < 1) await new Promise(setImmediate);
    const stopped = server.listener.stop(10_000);
    await closed;
    await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toThrow();
    answers[0]?.();
    const response = await slow;
    expect(response.headers.get("connection")).toBe("close");
    expect(await response.text()).toBe("late");
    expect(await stopped).toBe(0);
  });

  it("cuts off requests that don't finish in time", async () => {
    let asked = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (asked = resolve));
    const server = await serve(configOf(`{${LOCAL}}`), () => asked());
    const answer = exchangeRaw(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await arrived;
    expect(await server.listener.stop(100)).toBe(1);
    expect(await answer).toBe("");
  });
});

describe("an unhealthy registry", () => {
  it("responds with 503 UNAVAILABLE on every path until it recovers, if gated as in Distribution", async () => {
    await using server = await serve(configOf(`{${LOCAL}}`, "health: {gate: all}"), hello);
    server.setHealth({ storagedriver_filesystem: "gone" });
    for (const path of ["/", "/v2/", "/anything"]) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      expect(response.status).toBe(503);
      expect(response.headers.get("docker-distribution-api-version")).toBeNull();
      expect(await response.json()).toEqual({
        errors: [
          {
            code: "UNAVAILABLE",
            message: "service unavailable",
            detail: "health check failed: please see /debug/health",
          },
        ],
      });
    }
    server.setHealth({});
    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(200);
  });

  it("answers 503 only where balancers look, and serves on, where nothing is said of it", async () => {
    await using server = await serve(configOf(`{${LOCAL}}`), hello);
    const statuses = async (method = "GET"): Promise<number[]> => {
      const paths = ["/", "/readyz", "/readyz?verbose", "/livez", "/v2/", "/v2/a/manifests/b", "/v2", "/anything"];
      const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`, { method });
      return (await Promise.all(paths.map(ask))).map((response) => response.status);
    };
    expect(await statuses()).toEqual([200, 200, 200, 200, 200, 200, 200, 200]);
    server.setHealth({ storagedriver_filesystem: "gone" });
    expect(await statuses()).toEqual([503, 503, 503, 200, 200, 200, 200, 200]);
    expect(await statuses("HEAD")).toEqual([503, 503, 503, 200, 200, 200, 200, 200]);
    // No probe asks with POST: that is the application's to answer.
    expect(await statuses("POST")).toEqual([503, 200, 200, 200, 200, 200, 200, 200]);
    server.setHealth({});
    expect(await statuses()).toEqual([200, 200, 200, 200, 200, 200, 200, 200]);
  });

  it("is alive also where everything else is answered with 503", async () => {
    await using server = await serve(configOf(`{${LOCAL}}`, "health: {gate: all}"), hello);
    server.setHealth({ c: "down" });
    const alive = await fetch(`http://127.0.0.1:${server.port}/livez`);
    expect([alive.status, await alive.text()]).toEqual([200, "ok\n"]);
    const ready = await fetch(`http://127.0.0.1:${server.port}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, "not ready\n"]);
  });
});
