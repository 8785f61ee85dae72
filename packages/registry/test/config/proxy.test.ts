import { describe, expect, it } from "vitest";
import { errorsOf, load, MINIMAL } from "./support.js";

describe("proxy", () => {
  it("has Distribution's keys and defaults", () => {
    const { config } = load(
      `${MINIMAL}proxy: {remoteurl: "https://registry-1.docker.io", username: u, password: hunter2}`,
    );
    expect(config?.proxy).toMatchObject({ isSingle: true, ttl: 168 * 3_600_000, cachewritetimeout: 300_000 });
    expect(config?.proxy?.upstreams).toMatchObject([{ prefix: "", isHub: true, freshness: 0, missingtags: "keep" }]);
    expect(JSON.stringify(config?.proxy)).not.toContain("hunter2");
  });

  it("takes upstreams by prefix, whose host is the prefix unless told, under all names of Docker Hub", () => {
    const { config } = load(
      `${MINIMAL}proxy: {upstreams: [{prefix: docker.io}, {prefix: hub, remoteurl: "https://quay.io"}]}`,
    );
    expect(config?.proxy?.upstreams).toMatchObject([
      { prefix: "docker.io", isHub: true, hosts: ["docker.io", "index.docker.io", "registry-1.docker.io"] },
      { prefix: "hub", isHub: false, hosts: ["hub", "quay.io"] },
    ]);
  });

  it.each([
    [
      'remoteurl: "https://a.test", upstreams: [{prefix: b.test}]',
      /proxy\.upstreams: not together with proxy\.remoteurl/,
    ],
    ["upstreams: [{prefix: a.test}, {prefix: a.test}]", /proxy\.upstreams\[1\]\.prefix: there is an upstream/],
    ["upstreams: [{prefix: hub}]", /proxy\.upstreams\[0\]\.remoteurl: missing/],
    ["upstreams: [{prefix: A.test}]", /proxy\.upstreams\[0\]\.prefix: found/],
    [
      "upstreams: [{prefix: a.test, alow: [b]}]",
      /proxy\.upstreams\[0\]\.alow: unknown key.*did you mean proxy\.upstreams\[0\]\.allow/,
    ],
    [
      'upstreams: [{prefix: a.test, deny: ["/(/"]}]',
      /proxy\.upstreams\[0\]\.deny\[0\]: found "\/\(\/", which is no pattern/,
    ],
    ["remoteurl: a.test", /proxy\.remoteurl: write it as https:\/\/host/],
  ])("refuses %s", (text, expected) => {
    expect(errorsOf(`${MINIMAL}proxy: {${text}}\n`)).toEqual([expect.stringMatching(expected)]);
  });
});
