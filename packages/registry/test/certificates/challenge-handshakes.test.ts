import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { connect } from "node:tls";
import { listen } from "@longshore/testkit/loopback";
import { expect, it } from "vitest";
import { createChallengeHandshakes, isChallengeHello } from "../../src/server/listeners/challenge-handshakes.js";
import { CERTIFICATE, KEY } from "../cli/certificates.js";

/** The first bytes that a TLS client sends. */
async function hello(protocols: string[]): Promise<Buffer> {
  const server = createServer();
  await using listening = await listen(server);
  const accepted = once(server, "connection");
  const client = connect({
    host: "127.0.0.1",
    port: listening.port,
    servername: "a.example",
    ALPNProtocols: protocols,
  });
  client.on("error", () => undefined);
  const [socket] = (await accepted) as [Socket];
  const [bytes] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  return bytes;
}

it.each([
  [["acme-tls/1"], true],
  [["h2", "http/1.1"], false],
  [["http/1.1", "acme-tls/1"], false],
  [["acme-tls/1", "h2"], false],
  [["acme-tls/12"], false],
  [[], false],
])("a hello that offers %j", async (protocols, expected) => {
  const bytes = await hello(protocols);
  expect(isChallengeHello(bytes)).toBe(expected);
  for (const part of [0, 1, 4, 5, 20, bytes.length - 1]) {
    expect(isChallengeHello(bytes.subarray(0, part))).toBeUndefined();
  }
});

it("a record that no hello is as long as is none", () => {
  expect(isChallengeHello(Buffer.from([22, 3, 1, 0xff, 0xff]))).toBe(false);
});

it("a client that doesn't hang up after its handshake is cut off", async () => {
  const handshakes = createChallengeHandshakes(() => Promise.resolve({ key: KEY, certificate: CERTIFICATE }), 1000);
  const server = createServer({ allowHalfOpen: true });
  await using listening = await listen(server);
  const closed = new Promise((resolve) => {
    server.once("connection", (socket: Socket) => {
      socket.on("error", () => undefined).once("close", resolve);
      handshakes.accept(socket);
    });
  });
  const socket = connectTcp({ host: "127.0.0.1", port: listening.port, allowHalfOpen: true });
  // Node's types don't have `allowHalfOpen` here.
  const offer = { servername: "registry.example", ALPNProtocols: ["acme-tls/1"], allowHalfOpen: true };
  const client = connect({ socket, rejectUnauthorized: false, ...offer });
  client.on("error", () => undefined).resume();
  await once(client, "secureConnect");
  expect(client.alpnProtocol).toBe("acme-tls/1");
  await closed;
  client.destroy();
});
