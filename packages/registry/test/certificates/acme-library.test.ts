import type { ServerResponse } from "node:http";
import { listen, serveHttp } from "@longshore/testkit/loopback";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { createAcmeClient, OrderError, retryAfter } from "../../src/certificates/acme-library.js";
import { newKey } from "../../src/certificates/order.js";

/** What comes of an account at a stand-in for an authority that answers by `answer`. */
async function failureAt(answer: (response: ServerResponse) => void): Promise<OrderError> {
  await using authority = await serveHttp((request, response) => {
    if (request.url === "/nonce") return void response.setHeader("replay-nonce", "a").end();
    if (request.url !== "/dir") return void answer(response);
    const { host = "" } = request.headers;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ newNonce: `http://${host}/nonce`, newAccount: `http://${host}/account` }));
  });
  const client = createAcmeClient(`${authority.url}/dir`, newKey());
  const failure: unknown = await client.createAccount({ termsOfServiceAgreed: true }).catch((error: unknown) => error);
  if (!(failure instanceof OrderError)) throw new Error("it didn't fail as expected", { cause: failure });
  return failure;
}

const limited = (response: ServerResponse, headers: Record<string, string> = {}): void => {
  const problem = { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many certificates" };
  response.writeHead(429, { "content-type": "application/problem+json", ...headers }).end(JSON.stringify(problem));
};

it("a rate limit postpones until the authority's time, and is asked for once", async () => {
  let asked = 0;
  const failure = await failureAt((response) => {
    asked += 1;
    limited(response, { "retry-after": "7200" });
  });
  expect(failure).toMatchObject({ failure: "postponed", wait: 7_200_000 });
  expect(failure.message).toBe("the authority answered 429: too many certificates");
  expect(asked).toBe(1);
});

it("a rate limit without a time postpones for an hour", async () => {
  expect(await failureAt((response) => limited(response))).toMatchObject({ failure: "postponed", wait: 3_600_000 });
});

it("an error of the server, and one that says when to come back", async () => {
  const failure = await failureAt((response) => void response.writeHead(502).end("<html>"));
  expect(failure).toMatchObject({ failure: "unreachable", wait: undefined });
  const busy = await failureAt((response) => void response.writeHead(503, { "retry-after": "90" }).end());
  expect(busy).toMatchObject({ failure: "postponed", wait: 90_000 });
});

it("a refusal says why", async () => {
  const failure = await failureAt((response) => {
    response.writeHead(400, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ type: "urn:ietf:params:acme:error:invalidContact", detail: "no such domain" }));
  });
  expect(failure).toMatchObject({ failure: "refused", message: "the authority answered 400: no such domain" });
});

it("nobody there, or nobody who answers in this way, is unreachable", async () => {
  await using closing = await listen(createServer((socket) => socket.destroy()));
  const client = createAcmeClient(`${closing.url}/dir`, newKey());
  await expect(client.createAccount({})).rejects.toMatchObject({ failure: "unreachable", name: "OrderError" });
});

it.each([
  ["120", 120_000],
  [new Date(60_000).toUTCString(), 60_000],
  ["soon", undefined],
  ["0", undefined],
  ["-1", undefined],
  [undefined, undefined],
])("Retry-After %s", (value, expected) => {
  expect(retryAfter(value, 0)).toBe(expected);
});
