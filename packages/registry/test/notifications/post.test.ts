import { type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { listen, serveHttp } from "@longshore/testkit/loopback";
import { describe, expect, it, vi } from "vitest";
import { createPoster, type PosterOptions } from "../../src/notifications/delivery/post.js";
import { CERTIFICATE, KEY } from "../cli/certificates.js";

/** Posts `{}` once to a receiver that answers with `answer`. */
async function post(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  { userinfo = "", ...options }: Partial<PosterOptions> & { readonly userinfo?: string } = {},
) {
  await using server = await serveHttp((request, response) => answer(request.resume(), response));
  const url = `http://${userinfo}${server.host}/hook`;
  const poster = await createPoster({ url, headers: {}, timeout: 5000, ...options });
  try {
    return await poster.post("{}", ["Content-Type", "application/json"], new AbortController().signal);
  } finally {
    await poster.close();
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

it("accepts a password with a percent sign unchanged", async () => {
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

describe("a redirect", () => {
  it.each([
    ["to another port", "http://127.0.0.1:1/x"],
    ["to the link-local metadata service", "http://169.254.169.254/latest/meta-data/"],
    ["to another host over TLS", "https://localhost/x"],
    ["to a file", "file:///etc/passwd"],
  ])("%s fails the delivery", async (_what, location) => {
    const outcome = await post((_request, response) => response.writeHead(307, { location }).end());
    const shown = location.startsWith("file:") ? "file://" : new URL(location).origin;
    const error = `the receiver redirects to ${shown}; set the endpoint's url to its address`;
    expect(outcome).toEqual({ kind: "none", error });
  });

  it("to an address that isn't one fails the delivery", async () => {
    const outcome = await post((_request, response) => response.writeHead(307, { location: "http://[x/" }).end());
    expect(outcome).toEqual({ kind: "none", error: "the receiver redirects to an invalid address" });
  });

  it("with a body that never ends is followed all the same, and a loop of them ends", async () => {
    let asked = 0;
    const once = await post((_request, response) => {
      asked += 1;
      if (asked === 1) response.writeHead(307, { location: "/hook" }).write("x");
      else response.end();
    });
    expect(once).toEqual(ANSWERED);
    const loop = await post((_request, response) => response.writeHead(307, { location: "/hook" }).end());
    expect(loop).toEqual({ kind: "none", error: "more than 10 redirects" });
  });

  it("to TLS on the same host is followed, without the endpoint's headers and the signature", async () => {
    // The certificate is the test's own.
    const warning = vi.spyOn(process, "emitWarning").mockReturnValue();
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const received: IncomingMessage["headers"][] = [];
    await using secure = await listen(
      createHttps({ cert: CERTIFICATE, key: KEY }, (request, response) => {
        received.push(request.resume().headers);
        response.end();
      }),
    );
    await using plain = await serveHttp((request, response) => {
      received.push(request.resume().headers);
      response.writeHead(308, { location: `https://${secure.host}/hook` }).end();
    });
    const headers = { "X-Api-Key": ["k"], "User-Agent": ["mine"] };
    const url = `http://ci:secret@${plain.host}/hook`;
    const poster = await createPoster({ url, headers, timeout: 5000 });
    const signature = ["Longshore-Signature", "t=1,v1=00"];
    try {
      const outcome = await poster.post("{}", ["Content-Type", "text/x"], new AbortController().signal, signature);
      expect(outcome).toEqual(ANSWERED);
    } finally {
      await poster.close();
      vi.unstubAllEnvs();
      warning.mockRestore();
    }
    expect(received[0]).toMatchObject({ "x-api-key": "k", "longshore-signature": "t=1,v1=00" });
    expect(Object.keys(received[0] ?? {})).toContain("authorization");
    expect(received[1]).toMatchObject({ "content-type": "text/x", "user-agent": "longshore" });
    for (const name of ["x-api-key", "longshore-signature", "authorization"])
      expect(Object.keys(received[1] ?? {})).not.toContain(name);
  });
});
