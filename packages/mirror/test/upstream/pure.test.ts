import { type lookup as systemLookup } from "node:dns";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNetworks } from "@longshore/base/network";
import { parseChallenges } from "../../src/upstream/auth/challenge.js";
import { isTrustedRealm } from "../../src/upstream/auth/trust.js";
import { parseRateLimit, parseRetryAfter } from "../../src/upstream/flow/retry-after.js";
import { nextQuery } from "../../src/upstream/link.js";
import { classOf, type AddressClass } from "../../src/upstream/net/address-class.js";
import { createAddressGuard, createOwnLookup, ForbiddenAddressError } from "../../src/upstream/net/guard.js";
import { proxyFor } from "../../src/upstream/net/proxy.js";
import { redirectStep } from "../../src/upstream/net/redirect.js";

describe("challenges", () => {
  it.each([
    ["Basic realm=x", [["basic", { realm: "x" }]]],
    [
      'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
      [["bearer", { realm: "https://a/t", service: "s", scope: "repository:a/b:pull,push" }]],
    ],
    ['bEaReR Realm = "a" , SERVICE=b', [["bearer", { realm: "a", service: "b" }]]],
    [
      'Basic realm="one", Bearer realm="two",service=x',
      [
        ["basic", { realm: "one" }],
        ["bearer", { realm: "two", service: "x" }],
      ],
    ],
    [
      "Negotiate, NTLM abc==, Basic realm=z",
      [
        ["negotiate", {}],
        ["ntlm", {}],
        ["basic", { realm: "z" }],
      ],
    ],
    [String.raw`Bearer realm="a\"b\\c"`, [["bearer", { realm: 'a"b\\c' }]]],
    ['Bearer realm="first",realm="second"', [["bearer", { realm: "first" }]]],
    [
      'Bearer realm="never closed',
      [
        ["bearer", {}],
        ["realm", {}],
      ],
    ],
    ["", []],
    [", ,,", []],
    ["=?&", []],
  ])("%s", (header, expected) => {
    const found = parseChallenges([header]).map((each) => [each.scheme, Object.fromEntries(each.parameters)]);
    expect(found).toEqual(expected);
  });

  const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
  const challenge = fc.record({
    scheme: token,
    parameters: fc.uniqueArray(fc.tuple(token, fc.string()), {
      minLength: 1,
      maxLength: 5,
      selector: ([name]) => name.toLowerCase(),
    }),
  });

  it("come out as they were written, whatever stands in quotes", () => {
    fc.assert(
      fc.property(fc.array(challenge, { minLength: 1, maxLength: 4 }), (challenges) => {
        const quote = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
        const header = challenges
          .map(
            ({ scheme, parameters }) =>
              `${scheme} ${parameters.map(([name, value]) => `${name}=${quote(value)}`).join(", ")}`,
          )
          .join(", ");
        expect(parseChallenges([header]).map((each) => [each.scheme, [...each.parameters]])).toEqual(
          challenges.map(({ scheme, parameters }) => [
            scheme.toLowerCase(),
            parameters.map(([name, value]) => [name.toLowerCase(), value]),
          ]),
        );
      }),
    );
  });

  it("never throw, and stay few", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 300 })), (headers) => {
        expect(parseChallenges(headers).length).toBeLessThanOrEqual(32);
      }),
    );
    expect(parseChallenges(["a ".repeat(8000)]).length).toBeLessThanOrEqual(32);
  });
});

describe("the trust boundary", () => {
  it.each([
    ["https://registry-1.docker.io", "https://auth.docker.io/token", true],
    ["https://ghcr.io", "https://ghcr.io/token", true],
    ["https://registry.example.co.uk", "https://auth.example.co.uk", true],
    ["https://registry.example.co.uk", "https://evil.co.uk", false],
    ["https://one.github.io", "https://other.github.io", false],
    ["https://registry.example.com", "https://registry.example.com.evil.net", false],
    ["https://127.0.0.1:5000", "https://127.0.0.1:5001/token", true],
    ["https://127.0.0.1:5000", "https://127.0.0.2:5000/token", false],
    ["https://[::1]", "https://[::1]:8443", true],
    ["https://localhost", "https://127.0.0.1", false],
    ["https://10.0.0.1", "https://1.10.0.0.1.nip.io", false],
    ["https://registry", "https://auth", false],
    ["https://registry.example.com", "http://registry.example.com/token", false],
    ["http://registry.example.com", "http://auth.example.com/token", true],
  ])("of %s: %s %s", (upstream, realm, expected) => {
    expect(isTrustedRealm(new URL(realm), { upstream: new URL(upstream), realms: [] })).toBe(expected);
  });

  it("takes in the hosts that are listed, but never gives TLS up for one", () => {
    const boundary = {
      upstream: new URL("https://registry.gitlab.example"),
      realms: ["gitlab.com", "sso.example:8443"],
    };
    expect(isTrustedRealm(new URL("https://gitlab.com/jwt/auth"), boundary)).toBe(true);
    expect(isTrustedRealm(new URL("https://sso.example:8443"), boundary)).toBe(true);
    expect(isTrustedRealm(new URL("https://sso.example:9443"), boundary)).toBe(false);
    expect(isTrustedRealm(new URL("http://gitlab.com/jwt/auth"), boundary)).toBe(false);
  });
});

describe("addresses", () => {
  it.each<[string, AddressClass]>([
    ["8.8.8.8", "public"],
    ["2606:4700::1111", "public"],
    ["127.0.0.1", "loopback"],
    ["127.255.0.3", "loopback"],
    ["0.0.0.0", "loopback"],
    ["::1", "loopback"],
    ["::", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:a00:1", "private"],
    ["10.0.0.1", "private"],
    ["172.31.255.255", "private"],
    ["172.32.0.1", "public"],
    ["192.168.1.1", "private"],
    ["100.64.0.1", "private"],
    ["fd12::1", "private"],
    ["fe80::1%eth0", "link-local"],
    ["169.254.1.1", "link-local"],
    ["169.254.169.254", "metadata"],
    ["::ffff:169.254.169.254", "metadata"],
    ["64:ff9b::a9fe:a9fe", "metadata"],
    ["2002:a00:1::", "private"],
    ["fd00:ec2::254", "metadata"],
    ["100.100.100.200", "metadata"],
    ["224.0.0.1", "reserved"],
    ["255.255.255.255", "reserved"],
    ["::127.0.0.1", "reserved"],
    ["nonsense", "reserved"],
  ])("%s is %s", (address, expected) => {
    expect(classOf(address)).toBe(expected);
  });

  it("of the upstream's own name are public if one of them is or was, and never a cloud's metadata", () => {
    const answers: string[][] = [];
    const lookup = ((_: string, __: object, callback: (error: null, found: unknown) => void) => {
      callback(
        null,
        (answers.shift() ?? []).map((address) => ({ address, family: 4 })),
      );
    }) as unknown as typeof systemLookup;
    const resolve = (classes: Set<AddressClass>, addresses: string[], networks: string[] = []): unknown => {
      answers.push(addresses);
      let result: unknown;
      const own = createOwnLookup({ classes, allowed: createNetworks(networks), lookup });
      own("registry.example", { all: true }, (error, found) => {
        result = error ?? (Array.isArray(found) ? found.map(({ address }) => address) : found);
      });
      return result;
    };
    const classes = new Set<AddressClass>();
    expect(resolve(classes, ["10.0.0.1"])).toEqual(["10.0.0.1"]);
    expect(resolve(classes, ["8.8.8.8", "127.0.0.1", "169.254.169.254"])).toEqual(["8.8.8.8"]);
    expect(resolve(classes, ["127.0.0.1"])).toBeInstanceOf(ForbiddenAddressError);
    expect(resolve(classes, ["127.0.0.1"], ["127.0.0.0/8"])).toEqual(["127.0.0.1"]);
    expect(resolve(new Set(), ["169.254.169.254"])).toBeInstanceOf(ForbiddenAddressError);
    expect([...classes]).toEqual(["private", "public", "loopback"]);
  });

  it("may be reached if they are public, of the upstream's own class, or allowed", () => {
    const own = new Set<AddressClass>(["loopback"]);
    const guard = createAddressGuard({ ownClasses: () => own, allowed: createNetworks(["10.1.0.0/16"]) });
    for (const host of ["8.8.8.8", "127.0.0.1", "[::1]", "10.1.2.3", "a-name.example"]) guard.checkHost(host);
    for (const host of ["10.2.0.1", "169.254.169.254", "[fe80::1]"]) {
      expect(() => guard.checkHost(host)).toThrow(ForbiddenAddressError);
    }
  });
});

describe("redirects", () => {
  const step = (from: string, location: string | undefined, status = 307) =>
    redirectStep(new URL(from), { status, location, hops: 0 });

  it("never lead from TLS to plain HTTP", () => {
    expect(step("https://a.example/v2/", "http://a.example/v2/")).toMatchObject({ kind: "refused" });
    expect(step("http://a.example/v2/", "https://a.example/v2/").kind).toBe("follow");
  });

  it("lend no user, and show no query", () => {
    const followed = step("https://a.example/", "https://ada:secret@b.example/x?signature=s");
    expect(followed.kind === "follow" && followed.url.href).toBe("https://b.example/x?signature=s");
    const refusal = step("https://a.example/", "http://b.example/x?signature=hidden");
    expect(JSON.stringify(refusal)).not.toContain("hidden");
  });

  it("are no other statuses", () => {
    expect(step("https://a.example/", "https://b.example/", 304).kind).toBe("none");
    expect(step("https://a.example/", "https://b.example/", 200).kind).toBe("none");
  });
});

describe("HTTP proxies", () => {
  const environment = {
    HTTPS_PROXY: "http://proxy.example:3128",
    http_proxy: "plain.example:8080",
    NO_PROXY: "internal.example, .corp.example,10.0.0.0/8,*.wild.example other.example:8443",
  };

  it.each([
    ["https://registry-1.docker.io/v2/", "http://proxy.example:3128/"],
    ["http://registry.example/v2/", "http://plain.example:8080/"],
    ["https://internal.example/", undefined],
    ["https://sub.internal.example/", undefined],
    ["https://notinternal.example/", "http://proxy.example:3128/"],
    ["https://a.corp.example/", undefined],
    ["https://corp.example/", "http://proxy.example:3128/"],
    ["https://a.wild.example/", undefined],
    ["https://10.2.3.4/", undefined],
    ["https://11.2.3.4/", "http://proxy.example:3128/"],
    ["https://other.example:8443/", undefined],
    ["https://other.example/", "http://proxy.example:3128/"],
    ["https://localhost:5000/", undefined],
    ["https://127.0.0.1:5000/", undefined],
    ["https://[::1]:5000/", undefined],
  ])("for %s: %s", (url, expected) => {
    expect(proxyFor(new URL(url), environment)?.href).toBe(expected);
  });

  it("are none where no variable names one", () => {
    expect(proxyFor(new URL("https://a.example"), { HTTP_PROXY: "http://p.example" })).toBeUndefined();
    expect(proxyFor(new URL("https://a.example"), { HTTPS_PROXY: "http://p.example", NO_PROXY: "*" })).toBeUndefined();
  });
});

describe("headers", () => {
  const NOW = Date.parse("2026-11-29T04:00:00Z");

  it.each([
    ["120", 120],
    ["0", 0],
    ["999999999", 86_400],
    ["Sun, 29 Nov 2026 04:01:00 GMT", 60],
    ["Sun, 29 Nov 2026 03:00:00 GMT", 0],
    ["-5", undefined],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("Retry-After %s is %s s", (value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected);
  });

  it("tell Docker Hub's rate limit", () => {
    const headers = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600" };
    expect(parseRateLimit(headers)).toEqual({ limit: 100, remaining: 76, window: 21600 });
    expect(parseRateLimit({ "ratelimit-limit": "many" })).toBeUndefined();
    expect(parseRateLimit({})).toBeUndefined();
  });

  it.each([
    ['</v2/a/tags/list?n=2&last=b>; rel="next"', "n=2&last=b"],
    ["<https://other.example/v2/a/tags/list?next_token=x%3D>; rel=next", "next_token=x%3D"],
    ['<a?b=1>; rel="prev", <a?b=2>; rel="next"', "b=2"],
    ["</v2/>; rel=next", undefined],
    ["nonsense", undefined],
    [undefined, undefined],
  ])("Link %s leads to %s", (value, expected) => {
    expect(nextQuery(value)).toBe(expected);
  });
});
