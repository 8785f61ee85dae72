import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { EventStream } from "../../src/http/response/event-stream.js";

/** A stream to a client that reads when `client` is resumed. */
async function openSlowStream(clock?: () => number) {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect(port, "127.0.0.1").pause();
  let text = "";
  client.on("data", (chunk: Buffer) => (text += chunk.toString()));
  client.pause();
  const requested = new Promise<ServerResponse>((resolve) =>
    server.once("request", (_, response) => resolve(response)),
  );
  client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const response = await requested;
  response.writeHead(200, ["Content-Type", "text/event-stream"]);
  return {
    client,
    response,
    stream: new EventStream(response, clock),
    read: () => text,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const LONG = { text: "x".repeat(10_000) };

it("leaves out what a slow client would make the process keep, and says so where it is missing", async () => {
  await using slow = await openSlowStream();
  const { stream, response, client } = slow;
  for (let index = 0; index < 3000; index += 1) {
    stream.send({ name: "activity", id: `first-${index}`, data: LONG });
    // The connection takes what it takes.
    if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(response.writableLength).toBeLessThan(100_000);
  client.resume();
  await expect.poll(() => response.writableLength).toBe(0);
  stream.send({ name: "activity", id: "last", data: {} });
  stream.end("shutdown");
  await expect.poll(slow.read).toContain('event: end\ndata: {"reason":"shutdown"}');
  const names = [...slow.read().matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
  expect(names.length).toBeLessThan(3000);
  expect(names.slice(-3)).toEqual(["missed", "activity", "end"]);
});

it("cuts off a client that reads nothing for half a minute", async () => {
  let now = 0;
  await using slow = await openSlowStream(() => now);
  const { stream, response } = slow;
  while (response.writableLength <= 64 * 1024) {
    stream.send({ name: "activity", data: LONG });
    await new Promise((resolve) => setImmediate(resolve));
  }
  stream.beat("x");
  now = 29_000;
  stream.beat("x");
  expect(response.destroyed).toBe(false);
  now = 30_000;
  stream.beat("x");
  expect(response.destroyed).toBe(true);
});
