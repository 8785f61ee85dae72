import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { createPoster, type PosterOptions } from "../../src/notifications/delivery/post.js";

/** Posts `{}` once to a receiver that answers with `answer`. */
async function post(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  { userinfo = "", ...options }: Partial<PosterOptions> & { readonly userinfo?: string } = {},
) {
  const server = createServer((request, response) => answer(request.resume(), response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `http://${userinfo}127.0.0.1:${address.port}/hook`;
  const poster = await createPoster({ url, headers: {}, timeout: 5000, ...options });
  try {
    return await poster.post("{}", ["Content-Type", "application/json"], new AbortController().signal);
  } finally {
    await poster.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const ANSWERED = { kind: "answer", status: 200 };

describe("an answer's status counts, whatever becomes of its body", () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ["never ends", (response) => response.writeHead(200).write("x")],
    ["is shorter than announced", (response) => response.writeHead(200, { "Content-Length": 10 }).write("x")],
    ["is large", (response) => response.end(Buffer.alloc(1024 * 1024))],
    ["is cut off", (response) => response.writeHead(200, { "Content-Length": 9 }).write("x", () => response.destroy())],
  ])("%s", async (_what, answer) => {
    expect(await post((_request, response) => answer(response), { timeout: 1500 })).toEqual(ANSWERED);
  });
});

it("doesn't send headers that belong to the connection, as Go's client doesn't", async () => {
  let host: string | undefined;
  const headers = { Host: ["elsewhere.example"], "Content-Length": ["5"], Expect: ["100-continue"] };
  const outcome = await post(
    (request, response) => {
      ({ host } = request.headers);
      response.end();
    },
    { headers },
  );
  expect(outcome).toEqual(ANSWERED);
  expect(host).toMatch(/^127\.0\.0\.1:/);
});

it("takes a password with a percent sign as it is", async () => {
  let authorization: string | undefined;
  const outcome = await post(
    (request, response) => {
      ({ authorization } = request.headers);
      response.end();
    },
    { userinfo: "ci:50%zz@" },
  );
  expect(outcome).toEqual(ANSWERED);
  expect(authorization).toBe(`Basic ${Buffer.from("ci:50%zz").toString("base64")}`);
});
