import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { createIdentities, type TestIdentities } from "./certificates.js";
import { serveRegistry, type ServedRegistry } from "./process.js";

let identities: TestIdentities;

beforeAll(async () => {
  identities = await createIdentities();
});

function serveTls(): Promise<ServedRegistry> {
  return serveRegistry({
    http: { tls: { certificate: "FOLDER/cert.pem", key: "FOLDER/key.pem" }, http2: { disabled: false } },
    files: { "cert.pem": identities.server.certificate, "key.pem": identities.server.key },
  });
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const [HEADERS, RST_STREAM, SETTINGS, GOAWAY] = [1, 3, 4, 7];
const [END_STREAM, END_HEADERS] = [1, 4];
const REFUSED_STREAM = 7;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literals without indexing (RFC 7541 §6.2.2). */
function block(method: string, path: string): Buffer {
  const lines = [
    [":method", method],
    [":scheme", "https"],
    [":path", path],
    [":authority", "a"],
  ] as const;
  const literal = ([name, value]: readonly [string, string]): Buffer =>
    Buffer.from(`\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`, "latin1");
  return Buffer.concat(lines.map(literal));
}

interface Session {
  readonly socket: TLSSocket;
  /** The streams that the registry has reset, by their error code. */
  readonly resets: ReadonlyMap<number, number>;
  /** Whether the registry takes no further streams. */
  readonly refused: () => boolean;
}

/** A connection with HTTP/2's preface sent. */
async function openSession(registry: ServedRegistry): Promise<Session> {
  const socket = connect({ host: "127.0.0.1", port: registry.port, ca: identities.authority, ALPNProtocols: ["h2"] });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  expect(socket.alpnProtocol).toBe("h2");
  const resets = new Map<number, number>();
  let refused = false;
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
      const payload = received.subarray(9, 9 + received.readUIntBE(0, 3));
      const code = received.readUInt8(3) === RST_STREAM ? payload.readUInt32BE(0) : undefined;
      if (code !== undefined) resets.set(code, (resets.get(code) ?? 0) + 1);
      refused ||= received.readUInt8(3) === GOAWAY;
      received = received.subarray(9 + payload.length);
    }
  });
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0))]));
  return { socket, resets, refused: () => refused };
}

/** The status of `GET /v2/` on a connection of its own. */
function ask(registry: ServedRegistry): Promise<number> {
  const options = { host: "127.0.0.1", port: registry.port, path: "/v2/", ca: identities.authority, agent: false };
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).once("error", reject);
  });
}

function residentMebibytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

describe("HTTP/2 over TLS", () => {
  it("accepts no further streams from a client that only resets them, and serves others", async () => {
    await using registry = await serveTls();
    const before = residentMebibytes(registry.pid);
    const { socket, refused } = await openSession(registry);
    const head = block("GET", "/v2/a/tags/list");
    const cancel = Buffer.from([0, 0, 0, 8]);
    for (let id = 1; id < 20_000; id += 2)
      socket.write(
        Buffer.concat([frame(HEADERS, END_STREAM | END_HEADERS, id, head), frame(RST_STREAM, 0, id, cancel)]),
      );
    await expect.poll(refused).toBe(true);
    expect(await ask(registry)).toBe(200);
    expect(residentMebibytes(registry.pid) - before).toBeLessThan(150);
    socket.destroy();
  });

  it("refuses streams beyond 250 that are open at once, and serves others", async () => {
    await using registry = await serveTls();
    const before = residentMebibytes(registry.pid);
    const { socket, resets } = await openSession(registry);
    const head = block("PUT", "/v2/a/manifests/x");
    const frames = Array.from({ length: 1000 }, (_, index) => frame(HEADERS, END_HEADERS, 1 + 2 * index, head));
    socket.write(Buffer.concat(frames));
    await expect.poll(() => resets.get(REFUSED_STREAM)).toBe(750);
    expect(await ask(registry)).toBe(200);
    expect(residentMebibytes(registry.pid) - before).toBeLessThan(150);
    socket.destroy();
    expect(await ask(registry)).toBe(200);
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
  });
});
