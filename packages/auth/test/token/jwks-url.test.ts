import type { RequestListener } from "node:http";
import { serveHttp } from "@longshore/testkit/loopback";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createJwksFetcher, type JwksFetcher } from "../../src/methods/token/jwks-fetch.js";
import { ask, challengeError, faultOf, jwkSet, refusalOf, tokenController } from "./harness.js";
import { goodClaims, makeKeys, makeToken } from "./issuer.js";

const first = makeKeys("EdDSA");
const second = makeKeys("EdDSA");
const FIRST = jwkSet({ first: first.publicKey });
const BOTH = jwkSet({ first: first.publicKey, second: second.publicKey });

const tokenOf = (kid: string, { privateKey } = first): string =>
  makeToken({ alg: "EdDSA", kid }, goodClaims({ exp: 2e9 }), "EdDSA", privateKey);

/** An issuer that answers with `text`, or fails. */
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

  it("is fetched for an unknown key, at most every 30 s", async () => {
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

  it("removes a key", async () => {
    const issuer = fakeIssuer(BOTH);
    await using test = await open(issuer);
    const token = tokenOf("second", second);
    await ask(test.controller, token);
    issuer.text = FIRST;
    test.clock.time += 300_000;
    expect(challengeError(await refusalOf(() => ask(test.controller, token)))).toBe("invalid_token");
  });

  it("is kept while the issuer is down or answers nonsense", async () => {
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

  it("may arrive after the start: until then tokens can't be judged", async () => {
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

describe("a slow issuer and strange key ids", () => {
  it("is asked once however many tokens name unknown keys; those wait, and tokens of known keys don't", async () => {
    const issuer = fakeIssuer(FIRST);
    const answer: { release: (text: string) => void } = { release: () => undefined };
    const held = new Promise<string>((resolve) => (answer.release = resolve));
    let asked = 0;
    const fetcher = issuer.createFetcher();
    await using test = await tokenController(
      {},
      { jwks: "https://issuer.test/jwks.json" },
      {
        createFetcher: () => ({
          ...fetcher,
          fetch: (url, signal) => ((asked += 1) === 1 ? fetcher.fetch(url, signal) : held),
        }),
      },
    );
    test.clock.time += 30_000;
    const settled: string[] = [];
    const unknown = Array.from({ length: 200 }, (_, index) =>
      refusalOf(() => ask(test.controller, tokenOf(`unknown-${index}`))).finally(() => settled.push("unknown")),
    );
    await expect.poll(() => asked).toBe(2);
    await Promise.all(Array.from({ length: 20 }, () => ask(test.controller, tokenOf("first"))));
    expect(settled).toEqual([]);
    answer.release(FIRST);
    for (const refusal of await Promise.all(unknown)) expect(challengeError(refusal)).toBe("invalid_token");
    expect(asked).toBe(2);
  });

  it("key ids that are object property names, empty, long or paths don't match a key by accident", async () => {
    const strange = [
      "__proto__",
      "constructor",
      "toString",
      "../../etc/passwd",
      "a\0b",
      "k".repeat(3000),
      " first",
      "FIRST",
    ];
    const issuer = fakeIssuer(FIRST);
    await using test = await open(issuer);
    for (const kid of ["", ...strange])
      expect(challengeError(await refusalOf(() => ask(test.controller, tokenOf(kid))))).toBe("invalid_token");
    // In the set they are ordinary ids, each of its own key.
    const keys = new Map(strange.map((kid) => [kid, makeKeys("EdDSA")]));
    issuer.text = jwkSet(Object.fromEntries([...keys].map(([kid, { publicKey }]) => [kid, publicKey])));
    test.clock.time += 300_000;
    for (const [kid, pair] of keys) {
      if (kid === "__proto__") continue;
      await ask(test.controller, tokenOf(kid, pair));
      await refusalOf(() => ask(test.controller, tokenOf(kid, first)));
    }
  });

  it("key ids of the wrong type and members that aren't objects are skipped, and the rest of the set is used", async () => {
    const { keys } = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).parse(JSON.parse(FIRST));
    const odd = [null, 1, "x", [], {}, { ...keys[0], kid: 5 }, { ...keys[0], kid: { toString: "first" } }];
    const issuer = fakeIssuer(JSON.stringify({ keys: [...odd, ...keys] }));
    await using test = await open(issuer);
    await ask(test.controller, tokenOf("first"));
    expect(test.log.lines).toHaveLength(odd.length);
  });
});

async function listen(handler: RequestListener) {
  const server = await serveHttp(handler);
  return { ...server, url: (path: string) => new URL(path, server.url) };
}

describe("fetching a JWK set", () => {
  const never = new AbortController().signal;

  it("follows a few redirects on the same host, and none elsewhere", async () => {
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
      else if (path === "/scheme")
        response.writeHead(302, { location: server.url("/keys").href.replace("http:", "https:") }).end();
      else if (path === "/file") response.writeHead(302, { location: "file:///etc/passwd" }).end();
      else if (path === "/nowhere") response.writeHead(308).end();
      else response.writeHead(503).end("busy");
    });
    const fetcher = createJwksFetcher();
    expect(await fetcher.fetch(server.url("/keys?a=b"), never)).toBe(FIRST);
    expect(await fetcher.fetch(server.url("/once"), never)).toBe(FIRST);
    await expect(fetcher.fetch(server.url("/away"), never)).rejects.toThrow("another host");
    await expect(fetcher.fetch(server.url("/scheme"), never)).rejects.toThrow("another host");
    await expect(fetcher.fetch(server.url("/file"), never)).rejects.toThrow("another host");
    await expect(fetcher.fetch(server.url("/loop"), never)).rejects.toThrow("too many times");
    await expect(fetcher.fetch(server.url("/nowhere"), never)).rejects.toThrow("no valid location");
    await expect(fetcher.fetch(server.url("/busy"), never)).rejects.toThrow("answered 503");
    expect(elsewhere).toBe(0);
    await fetcher.close();
  });

  it("ends with its signal, or when the answer is too large", async () => {
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
