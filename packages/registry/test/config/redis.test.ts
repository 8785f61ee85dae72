import { describe, expect, it } from "vitest";
import { errorsOf, load, MINIMAL, messages, warningsOf } from "./support.js";

const CACHED = "version: 0.1\nstorage: {inmemory: , cache: {blobdescriptor: redis}}\n";

function redisOf(text: string, environment: Record<string, string> = {}) {
  const { config, errors } = load(CACHED + text, environment);
  expect(messages(errors)).toEqual([]);
  return config?.redis;
}

describe("the redis section", () => {
  it("names one server, with defaults that keep requests from waiting", () => {
    expect(redisOf('redis: {addrs: ["redis:6379"]}\n')).toMatchObject({
      addresses: ["redis:6379"],
      mode: "single",
      database: 0,
      protocol: 3,
      sendIdentity: true,
      connectTimeout: 5000,
      commandTimeout: 100,
      reconnect: { min: 100, max: 2000 },
      maxRedirections: 3,
      tls: undefined,
    });
  });

  it("accepts every option of registry:3", () => {
    const redis = redisOf(`redis:
  addrs: ["r:1"]
  username: u
  password: 0123
  db: 5
  clientname: c
  identitysuffix: s
  disableidentity: true
  protocol: 2
  dialtimeout: 2s
  readtimeout: 30ms
  writetimeout: 40ms
  minretrybackoff: 8ms
  maxretrybackoff: 512ms
  maxredirects: 7
  maxretries: -1
  poolsize: 10
  minidleconns: 1
  maxidleconns: 1
  maxactiveconns: 1
  pooltimeout: 1s
  connmaxidletime: 30m
  connmaxlifetime: -1
  poolfifo: true
  contexttimeoutenabled: true
  readonly: true
  routebylatency: true
  routerandomly: true
  unstableresp3: true
  tls: {certificate: /c, key: /k, rootcas: [/ca]}
`);
    expect(redis).toMatchObject({
      username: "u",
      database: 5,
      clientName: "c",
      identitySuffix: "s",
      sendIdentity: false,
      protocol: 2,
      connectTimeout: 2000,
      commandTimeout: 30,
      reconnect: { min: 8, max: 512 },
      maxRedirections: 7,
      tls: { certificate: "/c", key: "/k", rootCas: ["/ca"] },
    });
    expect(redis?.password?.reveal()).toBe("0123");
    expect(JSON.stringify(redis)).not.toContain("0123");
  });

  it("accepts the keys of registry:2", () => {
    const text = 'redis: {addr: "r:1", password: p, db: 1, pool: {maxidle: 1, maxactive: 2, idletimeout: 300s}}\n';
    expect(redisOf(text)).toMatchObject({ addresses: ["r:1"], mode: "single", database: 1 });
    expect(redisOf('redis: {addr: "r:1", tls: {enabled: true}}\n')?.tls).toEqual({ rootCas: [] });
    expect(redisOf('redis: {addrs: ["r:1"], tls: {clientcas: [/ca]}}\n')?.tls).toEqual({ rootCas: ["/ca"] });
  });

  it("means a cluster by several addresses, and sentinels by a master's name", () => {
    expect(redisOf('redis: {addrs: ["a:1", "b:1"]}\n')?.mode).toBe("cluster");
    const sentinel = redisOf(
      'redis: {addrs: ["a:1", "b:1"], mastername: m, sentinelusername: u, sentinelpassword: p}\n',
    );
    expect(sentinel).toMatchObject({ mode: "sentinel", masterName: "m", sentinelUsername: "u" });
    expect(sentinel?.sentinelPassword?.reveal()).toBe("p");
  });

  it.each([
    ["no limit", "-1"],
    ["the default", "0"],
  ])("a time that means %s in the original has a limit", (_, time) => {
    const text = `redis: {addrs: ["r:1"], readtimeout: ${time}, writetimeout: ${time}, dialtimeout: ${time}}\n`;
    expect(redisOf(text)).toMatchObject({ connectTimeout: 5000, commandTimeout: 100 });
  });

  it("comes from the environment too, with and without OPTIONS", () => {
    const redis = redisOf("", {
      REGISTRY_REDIS_ADDRS: "[r:1]",
      REGISTRY_REDIS_OPTIONS_DB: "3",
      REGISTRY_REDIS_PASSWORD: "hunter2",
      REGISTRY_REDIS_OPTIONS_READTIMEOUT: "20ms",
      REGISTRY_REDIS_TLS_ROOTCAS: "[/ca]",
    });
    expect(redis).toMatchObject({ addresses: ["r:1"], database: 3, commandTimeout: 20, tls: { rootCas: ["/ca"] } });
    expect(redis?.password?.reveal()).toBe("hunter2");
  });

  it.each([
    ["", "storage.cache.blobdescriptor: found redis; set redis.addrs too, for example to [redis:6379]"],
    ['redis: {addrs: ["r:1", "s:1"], db: 2}\n', "redis.db: found 2; expected 0 with several addrs"],
    ['redis: {addrs: ["http://r"]}\n', 'redis.addrs[0]: found "http://r"; expected host:port'],
    ['redis: {addr: "r:0"}\n', 'redis.addr: found "r:0"; expected host:port'],
    [
      'redis: {addrs: ["r:1"], tls: {certificate: /c}}\n',
      "redis.tls.key: missing; redis.tls.certificate needs its key",
    ],
    [
      'redis: {addrs: ["r:1"], tls: {key: /k}}\n',
      "redis.tls.certificate: missing; redis.tls.key needs its certificate",
    ],
    ['redis: {addrs: ["r:1"], protocol: 4}\n', "redis.protocol: found 4; expected 0, 2 or 3"],
  ])("%j is refused", (text, expected) => {
    const errors = errorsOf(CACHED + text);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(expected);
  });

  it("warns about a section that nothing uses: no cache, no viewers of activity, no limits", () => {
    const unwatched = `${MINIMAL}activity: {enabled: false}\nredis: {addr: "r:1"}\n`;
    expect(warningsOf(unwatched)).toEqual([
      "config.yml:5: redis: unused; to use it, set storage.cache.blobdescriptor: redis",
    ]);
    const limits = "policy: {ratelimit: {rules: [{name: all, count: pulls, limit: 10, window: 1m}]}}\n";
    expect(warningsOf(unwatched + limits)).toEqual([]);
    expect(warningsOf(`${MINIMAL}redis: {addr: "r:1"}\n`)).toEqual([]);
  });
});
