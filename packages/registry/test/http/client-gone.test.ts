import { once } from "node:events";
import { createServer, request, type ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server, type Http2ServerResponse } from "node:http2";
import { connect as connectSocket, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { listen, type Listening } from "@longshore/testkit/loopback";
import { ClientGone } from "../../src/errors/api-error.js";
import { goneSignal, isClosed } from "../../src/http/response/client-gone.js";

type Response = ServerResponse | Http2ServerResponse;

/** A request whose response hasn't begun. */
interface Pending {
  readonly response: Response;
  /** Makes the client go; resolves once the server knows. */
  readonly leave: () => Promise<void>;
  /** Sends the whole response; resolves once it is closed. */
  readonly answer: () => Promise<void>;
}

describe.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
])("a client of %s", (_, open) => {
  const servers: Listening[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  const start = (): Promise<Pending> => open(servers);

  it("that goes aborts what is done for it", async () => {
    const { response, leave } = await start();
    const signal = goneSignal(response);
    expect([signal.aborted, isClosed(response)]).toEqual([false, false]);
    await leave();
    expect(signal.reason).toBeInstanceOf(ClientGone);
  });

  it("that has gone before anything was done for it is noticed", async () => {
    const { response, leave } = await start();
    await leave();
    expect(isClosed(response)).toBe(true);
    expect(goneSignal(response).reason).toBeInstanceOf(ClientGone);
  });

  it("that has its response aborts nothing, whenever it is asked", async () => {
    const { response, answer } = await start();
    const signal = goneSignal(response);
    await answer();
    expect(isClosed(response)).toBe(true);
    expect([signal.aborted, goneSignal(response).aborted]).toEqual([false, false]);
  });
});

it("an answer that waits for the one before it on its connection isn't closed", async () => {
  const waiting: ServerResponse[] = [];
  const server = createServer((_, response) => void waiting.push(response));
  await using listening = await listen(server);
  const socket = connectSocket(listening.port, "127.0.0.1");
  socket.write("GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n");
  while (waiting.length < 2) await once(server, "request");
  expect(waiting.map((response) => isClosed(response))).toEqual([false, false]);
  socket.destroy();
});

async function overHttp1(servers: Listening[]): Promise<Pending> {
  const server = createServer();
  const { url } = await listening(server, servers);
  const arrived = new Promise<Response>((resolve) => server.once("request", (_, response) => resolve(response)));
  const client = request(url).on("error", () => undefined);
  client.end();
  return pending(await arrived, () => client.destroy());
}

async function overHttp2(servers: Listening[]): Promise<Pending> {
  const server = createHttp2Server();
  const { url } = await listening(server, servers);
  const arrived = new Promise<Response>((resolve) => server.once("request", (_, response) => resolve(response)));
  const session = connect(url).on("error", () => undefined);
  const stream = session.request({ ":path": "/" }).on("error", () => undefined);
  stream.resume();
  return pending(await arrived, () => stream.close());
}

function pending(response: Response, go: () => void): Pending {
  const closed = once(response, "close");
  return {
    response,
    leave: async () => {
      go();
      await closed;
    },
    answer: async () => {
      response.end("answer");
      await closed;
    },
  };
}

async function listening(server: Server, servers: Listening[]): Promise<Listening> {
  const started = await listen(server);
  servers.push(started);
  return started;
}
