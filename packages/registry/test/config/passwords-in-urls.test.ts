import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { verifyAuth } from "../../src/cli/verify/verify-auth.js";
import { checkFiles } from "../../src/cli/verify/verify-files.js";
import { formatFinding } from "../../src/config/findings.js";
import { redactText } from "@longshore/base/redact";
import { load, messages } from "./support.js";

const PASSWORD = "hunter2";

/** What people write where an address without a password is expected. */
const ADDRESSES = [
  `redis://user:${PASSWORD}@host:6379`,
  `redis://:${PASSWORD}@host:6379/0`,
  `user:${PASSWORD}@host:6379`,
  `:${PASSWORD}@host:6379`,
  `//user:${PASSWORD}@host`,
  `https://user:${PASSWORD}@host/path`,
  `https://user:${PASSWORD}@host?query#fragment`,
  `HTTPS://${PASSWORD}@host`,
  `https://user:a/${PASSWORD}@host`,
  `https://user:a@${PASSWORD}@host`,
  `https://user:a#${PASSWORD}@host`,
  `https://user:"${PASSWORD}@host`,
  `https://user:a ${PASSWORD}@host`,
  `https://user:${"x".repeat(40)}${PASSWORD}${"x".repeat(20)}@host`,
  `https://one@host,https://user:${PASSWORD}@host`,
  `https://host/?password=${PASSWORD}`,
  `ftp://user:${PASSWORD}@host`,
];

type Place = readonly [name: string, section: (address: string) => Readonly<Record<string, unknown>>];

const PLACES: readonly Place[] = [
  ["redis.addr", (addr) => ({ redis: { addr } })],
  ["redis.addrs", (addr) => ({ redis: { addrs: [addr, addr] } })],
  ["redis.addrs that is no list", (addr) => ({ redis: { addrs: addr } })],
  ["redis that is an address", (addr) => ({ redis: addr })],
  ["a key of redis", (addr) => ({ redis: { [addr]: 1 } })],
  ["a key of storage", (addr) => ({ storage: { inmemory: {}, [addr]: 1 } })],
  ["http.host", (host) => ({ http: { host } })],
  ["http.addr", (addr) => ({ http: { addr } })],
  ["a unix socket", (path) => ({ http: { net: "unix", addr: `:${path}` } })],
  ["http.debug.addr", (addr) => ({ http: { debug: { addr } } })],
  ["http.headers", (value) => ({ http: { headers: { "X-A": value } } })],
  ["http.cors.origins", (origin) => ({ http: { cors: { origins: [origin] } } })],
  ["http.trustedproxies", (proxy) => ({ http: { trustedproxies: [proxy] } })],
  ["proxy.remoteurl", (remoteurl) => ({ proxy: { remoteurl } })],
  ["notifications url", (url) => ({ notifications: { endpoints: [{ name: "a", url: url.replace("http", "x") }] } })],
  [
    "notifications actions",
    (url) => ({ notifications: { endpoints: [{ url: "http://a", ignore: { actions: [url] } }] } }),
  ],
  ["health.http uri", (uri) => ({ health: { http: [{ uri }, { uri }] } })],
  ["health.tcp addr", (addr) => ({ health: { tcp: [{ addr }, { addr }] } })],
  ["health.file", (file) => ({ health: { file: [{ file }, { file }] } })],
  ["storage.s3.regionendpoint", (regionendpoint) => ({ storage: { s3: { bucket: "b", regionendpoint } } })],
  ["storage.s3 storageclass", (storageclass) => ({ storage: { s3: { bucket: "b", region: "r", storageclass } } })],
  ["storage.filesystem", (rootdirectory) => ({ storage: { filesystem: { rootdirectory } } })],
  ["auth.token.realm", (realm) => ({ auth: { token: { realm, issuer: "i", service: "s", jwks: "j" } } })],
  ["auth.token.jwks", (jwks) => ({ auth: { token: { realm: "https://a/", issuer: "i", service: "s", jwks } } })],
  ["access", (name) => ({ access: [{ name, action: name }] })],
  ["middleware baseurl", (baseurl) => ({ middleware: { storage: [{ name: "redirect", options: { baseurl } }] } })],
  ["middleware host", (host) => ({ middleware: { storage: [{ name: "rewrite", options: { host } }] } })],
  ["middleware name", (name) => ({ middleware: { storage: [{ name }] } })],
  ["log level", (level) => ({ log: { level } })],
  ["log.audit.target", (target) => ({ log: { audit: { target } } })],
];

/** All that is said of a configuration, also by a look at its files. */
async function saidOf(text: string, environment: Record<string, string> = {}): Promise<string[]> {
  const loaded = load(text, environment);
  const request = { remote: false, patience: 0, now: new Date() };
  const files = loaded.config
    ? [...(await checkFiles(loaded.config, request.now)), ...(await verifyAuth(loaded.config, request))]
    : [];
  return [...messages([...loaded.errors, ...loaded.warnings]), ...files.map(formatFinding)];
}

describe("passwords in URLs are never shown", () => {
  it.each(PLACES)("%s", async (_, section) => {
    for (const address of ADDRESSES) {
      const text = stringify({ version: 0.1, storage: "inmemory", ...section(address) });
      for (const line of await saidOf(text)) expect(line).not.toContain(PASSWORD);
    }
  });

  it.each([
    ["REGISTRY_REDIS_ADDR", (value: string) => value],
    ["REGISTRY_REDIS_ADDRS", (value: string) => JSON.stringify([value])],
    ["REGISTRY_REDIS_ADDRS", (value: string) => value],
    ["REGISTRY_REDIS_ADDRS_0", (value: string) => value],
    ["REGISTRY_REDIS", (value: string) => value],
    ["REGISTRY_REDIS", (value: string) => `{${value}}`],
    ["REGISTRY_HTTP_HOST", (value: string) => value],
    ["REGISTRY_HTTP_ADDR", (value: string) => value],
    ["REGISTRY_PROXY_REMOTEURL", (value: string) => value],
    ["REGISTRY_NOTIFICATIONS_ENDPOINTS", (value: string) => value],
    ["REGISTRY_HTTP_CORS_ORIGINS", (value: string) => value],
    ["REGISTRY_STORAGE", (value: string) => value],
    ["REGISTRY_AUTH", (value: string) => value],
  ])("in the variable %s", async (name, write) => {
    for (const address of ADDRESSES) {
      const lines = await saidOf("version: 0.1\nstorage: inmemory\n", { [name]: write(address) });
      for (const line of lines) expect(line).not.toContain(PASSWORD);
    }
  });

  it("while the rest stays readable", async () => {
    const text = stringify({ version: 0.1, storage: "inmemory", redis: { addrs: [ADDRESSES[0], ADDRESSES[2]] } });
    expect(await saidOf(text)).toEqual([
      expect.stringContaining('redis.addrs[0]: found "redis://redacted@host:6379"; expected host:port'),
      expect.stringContaining('redis.addrs[1]: found "redacted@host:6379"; expected host:port'),
    ]);
  });

  it("in a log, whatever the password is made of", () => {
    const password = fc.stringMatching(/^[!$%&()*+,.:;<=>@[\]^_`{|}~A-Za-z0-9-]{0,20}$/);
    fc.assert(
      fc.property(password, password, (before, after) => {
        const line = redactText(`can't reach redis://user:${before}${PASSWORD}${after}@host:6379 now`);
        expect(line).toBe("can't reach redis://redacted@host:6379 now");
      }),
    );
  });
});
