import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createJwksFetcher, type JwksFetcher } from "../../src/controllers/token/jwks-fetch.js";
import { ask, challengeError, faultOf, jwkSet, refusalOf, tokenController } from "./harness.js";
import { goodClaims, makeKeys, makeToken } from "./issuer.js";

const first = makeKeys("EdDSA");
const second = makeKeys("EdDSA");
const FIRST = jwkSet({ first: first.publicKey });
const BOTH = jwkSet({ first: first.publicKey, second: second.publicKey });

const tokenOf = (kid: string, { privateKey } = first): string =>
  makeToken({ alg: "EdDSA", kid }, goodClaims({ exp: 2e9 }), "EdDSA", privateKey);

/** An issuer that answers with `text`, or not. */
function fakeIssuer(text: string | Error) {
  const issuer = { text, asked: 0, closed: false };
  const fetcher: JwksFetcher = {
    fetch() {
      issuer.asked += 1;
      return issuer.text instanceof Error ? Promise.reject(issuer.text) : Promise.resolve(issuer.text);
    },
    close() {
      issuer.closed = true;
      return Promise.resolve();
    },
  };
  return Object.assign(issuer, { createFetcher: () => fetcher });
}

const open = (issuer: ReturnType<typeof fakeIssuer>) =>
  tokenController({}, { jwks: "https://issuer.test/jwks.json?key=SECRET" }, { createFetcher: issuer.createFetcher });

describe("a JWK set at a URL", () => {
  it("is fetched once and used for five minutes", async () => {
    const issuer = fakeIssuer(FIRST);
    await using test = await open(issuer);
    for (let minute = 0; minute < 5; minute += 1) {
      await ask(test.controller, tokenOf("first"));
      test.clock.time += 59_000;
    }
    expect(issuer.asked).toBe(1);
    test.clock.time += 5000;
    await ask(test.controller, tokenOf("first"));
    expect(issuer.asked).toBe(2);
  });

  it("is asked for a key that isn't known, and not more than every 30 s", async () => {
    const issuer = fakeIssuer(FIRST);
    await using test = await open(issuer);
    issuer.text = BOTH;
    const token = tokenOf("second", second);
    for (let attempt = 0; attempt < 50; attempt += 1) {
      expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
    }
    expect(issuer.asked).toBe(1);
    test.clock.time += 30_000;
    await Promise.all(Array.from({ length: 20 }, () => ask(test.controller, token)));
    expect(issuer.asked).toBe(2);
    test.clock.time += 30_000;
    for (let attempt = 0; attempt < 50; attempt += 1) {
      await refusalOf(() => ask(test.controller, tokenOf(`unknown-${attempt}`)));
    }
    expect(issuer.asked).toBe(3);
  });

  it("takes a key away", async () => {
    const issuer = fakeIssuer(BOTH);
    await using test = await open(issuer);
    const token = tokenOf("second", second);
    await ask(test.controller, token);
    issuer.text = FIRST;
    test.clock.time += 300_000;
    expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
  });

  it("stays as it is while the issuer is down or answers nonsense", async () => {
    const issuer = fakeIssuer(FIRST);
    await using test = await open(issuer);
    for (const answer of [new Error("connection refused"), "<html>", '{"keys":[]}']) {
      issuer.text = answer;
      test.clock.time += 300_000;
      await ask(test.controller, tokenOf("first"));
      await expect(test.controller.reload?.()).rejects.toThrow();
    }
    expect(test.log.lines.map(({ level, fields }) => [level, fields?.["jwks"]])).toEqual(
      Array.from({ length: 3 }, () => ["error", "https://issuer.test/jwks.json"]),
    );
    expect(JSON.stringify(test.log.lines)).not.toContain("SECRET");
    // An issuer that is down isn't asked again by the next request.
    expect(issuer.asked).toBe(7);
    await ask(test.controller, tokenOf("first"));
    expect(issuer.asked).toBe(7);
  });

  it("may come after the start: until then nobody can tell", async () => {
    const issuer = fakeIssuer(new Error("connection refused"));
    await using test = await open(issuer);
    expect((await faultOf(() => ask(test.controller, tokenOf("first")))).code).toBe("UNAVAILABLE");
    issuer.text = FIRST;
    test.clock.time += 30_000;
    await ask(test.controller, tokenOf("first"));
    await test.controller.close();
    expect(issuer.closed).toBe(true);
  });
});

async function listen(handler: RequestListener) {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const isAddress = (value: typeof address): value is AddressInfo => typeof value === "object" && value !== null;
  if (!isAddress(address)) throw new Error("no address");
  return {
    url: (path: string) => new URL(path, `http://127.0.0.1:${address.port}`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("fetching a JWK set", () => {
  const never = new AbortController().signal;

  it("follows redirects on the same host, a few, and none elsewhere", async () => {
    let elsewhere = 0;
    await using other = await listen((_request, response) => {
      elsewhere += 1;
      response.end(FIRST);
    });
    await using server = await listen((request, response) => {
      const path = request.url ?? "";
      if (path === "/keys?a=b") response.end(FIRST);
      else if (path === "/away") response.writeHead(302, { location: other.url("/keys").href }).end();
      else if (path === "/once") response.writeHead(301, { location: "/keys?a=b" }).end();
      else if (path === "/loop") response.writeHead(307, { location: "/loop" }).end();
      else if (path === "/nowhere") response.writeHead(308).end();
      else response.writeHead(503).end("busy");
    });
    const fetcher = createJwksFetcher();
    expect(await fetcher.fetch(server.url("/keys?a=b"), never)).toBe(FIRST);
    expect(await fetcher.fetch(server.url("/once"), never)).toBe(FIRST);
    await expect(fetcher.fetch(server.url("/away"), never)).rejects.toThrow("another host");
    await expect(fetcher.fetch(server.url("/loop"), never)).rejects.toThrow("too often");
    await expect(fetcher.fetch(server.url("/nowhere"), never)).rejects.toThrow("nowhere");
    await expect(fetcher.fetch(server.url("/busy"), never)).rejects.toThrow("answered 503");
    expect(elsewhere).toBe(0);
    await fetcher.close();
  });

  it("ends with its signal, and when the answer is too large", async () => {
    await using server = await listen((request, response) => {
      if (request.url === "/silent") return;
      const chunk = Buffer.alloc(64 * 1024);
      const send = (): void => {
        while (response.write(chunk));
        response.once("drain", send);
      };
      send();
    });
    const fetcher = createJwksFetcher();
    const controller = new AbortController();
    const silent = fetcher.fetch(server.url("/silent"), controller.signal);
    controller.abort(new Error("enough"));
    await expect(silent).rejects.toThrow("enough");
    await expect(fetcher.fetch(server.url("/endless"), never)).rejects.toThrow(/max/i);
    await fetcher.close();
  });
});
