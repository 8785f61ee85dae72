import { describe, expect, it } from "vitest";
import {
  digestOf,
  locationOf,
  makeImage,
  OCI_MANIFEST,
  pushImage,
  startUpload,
  withQuery,
} from "@longshore/testkit/fixtures";
import { headerLines, type Ask } from "@longshore/testkit/http-client";
import { startApi } from "@longshore/testkit/start-registry";

const DIGEST = digestOf("x");

interface Case {
  readonly ask: Ask;
  readonly status: number;
  /** Exactly, where given. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

const NOT_FOUND = {
  status: 404,
  body: "404 page not found\n",
  headers: {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    "docker-distribution-api-version": "registry/2.0",
    "www-authenticate": undefined,
    "x-configured": undefined,
  },
} as const;

const NOT_ALLOWED = { status: 405, body: "Method not allowed\n" } as const;

const redirectTo = (path: string, location: string): Case => ({
  ask: { path },
  status: 301,
  body: `<a href="${location.replaceAll("&", "&amp;")}">Moved Permanently</a>.\n\n`,
  headers: { location, "content-type": "text/html; charset=utf-8", "x-configured": undefined },
});

const CASES: readonly Case[] = [
  {
    ask: { path: "/" },
    status: 200,
    body: "",
    headers: { "cache-control": "no-cache", "docker-distribution-api-version": undefined },
  },
  { ask: { method: "POST", path: "/", body: "x" }, status: 200, body: "" },
  {
    ask: { path: "/v2/" },
    status: 200,
    body: "{}",
    headers: {
      "content-type": "application/json",
      "content-length": "2",
      "docker-distribution-api-version": "registry/2.0",
      "x-configured": "one, two",
    },
  },
  { ask: { method: "DELETE", path: "/v2/" }, status: 200, body: "{}" },
  { ask: { method: "PROPFIND", path: "/v2/" }, status: 200, body: "{}" },
  { ask: { method: "OPTIONS", path: "/v2/" }, status: 200, body: "{}" },
  { ask: { method: "HEAD", path: "/v2/" }, status: 200, body: "", headers: { "content-length": "2" } },

  { ask: { path: "/nowhere" }, ...NOT_FOUND },
  { ask: { path: "/v1/" }, ...NOT_FOUND },
  { ask: { path: "/v2/name" }, ...NOT_FOUND },
  { ask: { path: "/v2/UPPER/tags/list" }, ...NOT_FOUND },
  { ask: { path: "/v2/-a/tags/list" }, ...NOT_FOUND },
  { ask: { path: "/v2/a..b/tags/list" }, ...NOT_FOUND },
  { ask: { path: "/v2/a/UPPER/tags/list" }, ...NOT_FOUND },
  { ask: { path: `/v2/a/manifests/${"t".repeat(129)}` }, ...NOT_FOUND },
  { ask: { path: "/v2/a/manifests/.hidden" }, ...NOT_FOUND },
  { ask: { path: "/v2/a/manifests/a%00b" }, ...NOT_FOUND },
  { ask: { path: "/v2/a/blobs/nodigest" }, ...NOT_FOUND },
  { ask: { path: "/v2/a/blobs/uploads/x:y" }, ...NOT_FOUND },
  { ask: { path: "/v2/a/referrers/x" }, ...NOT_FOUND },
  { ask: { path: "/v2/_catalog/x" }, ...NOT_FOUND },

  redirectTo("/v2", "/v2/"),
  redirectTo("/v2/a/tags/list/", "/v2/a/tags/list"),
  redirectTo("/v2/_catalog/?n=1&last=a", "/v2/_catalog?n=1&last=a"),
  redirectTo("/v2/a/manifests/latest/", "/v2/a/manifests/latest"),
  redirectTo("/v2/a/blobs/uploads?mount=x", "/v2/a/blobs/uploads/?mount=x"),
  redirectTo("/v2//a/tags/list", "/v2/a/tags/list"),
  redirectTo("/v2/./a/tags/list", "/v2/a/tags/list"),
  redirectTo("/v2/b/../a/tags/list?n=1", "/v2/a/tags/list?n=1"),
  redirectTo("//example.org/v2/", "/example.org/v2/"),
  {
    ask: { method: "PUT", path: "/v2//a/manifests/x" },
    status: 301,
    body: "",
    headers: { location: "/v2/a/manifests/x", "content-type": undefined },
  },

  { ask: { method: "HEAD", path: "/v2/a/tags/list" }, status: 405, body: "", headers: { allow: "GET" } },
  {
    ask: { method: "POST", path: "/v2/a/tags/list" },
    ...NOT_ALLOWED,
    headers: { allow: "GET", "x-configured": "one, two" },
  },
  { ask: { method: "DELETE", path: "/v2/_catalog" }, ...NOT_ALLOWED, headers: { allow: "GET" } },
  { ask: { method: "PATCH", path: "/v2/a/manifests/x" }, ...NOT_ALLOWED, headers: { allow: "DELETE, GET, HEAD, PUT" } },
  { ask: { method: "PUT", path: `/v2/a/blobs/${DIGEST}` }, ...NOT_ALLOWED, headers: { allow: "DELETE, GET, HEAD" } },
  { ask: { method: "PUT", path: `/v2/a/referrers/${DIGEST}` }, ...NOT_ALLOWED, headers: { allow: "GET, HEAD" } },
  {
    ask: { method: "OPTIONS", path: "/v2/a/blobs/uploads/" },
    status: 200,
    body: "",
    headers: { allow: "DELETE, GET, HEAD, PATCH, POST, PUT", "content-length": "0" },
  },
];

describe("paths and methods", () => {
  it.each(CASES.map((row) => [row.ask.method ?? "GET", row.ask.path.slice(0, 60), row] as const))(
    "%s %s",
    async (_method, _path, row) => {
      await using api = await startApi({ config: { http: { headers: { "X-Configured": ["one", "two"] } } } });
      const answer = await api.client.ask(row.ask);
      expect([answer.status, answer.text()]).toEqual([row.status, row.body]);
      const { headers = {} } = row;
      const found = Object.fromEntries(Object.keys(headers).map((name) => [name, answer.headers[name]]));
      expect(found).toEqual(headers);
    },
  );

  it("adds one line for each configured value", async () => {
    await using api = await startApi({ config: { http: { headers: { "X-Configured": ["one", "two"] } } } });
    expect(headerLines(await api.client.ask({ path: "/v2/" }), "x-configured")).toEqual(["one", "two"]);
    expect(headerLines(await api.client.ask({ path: "/v2/a/manifests/x" }), "x-configured")).toEqual(["one", "two"]);
  });

  it("writes the names of configured headers as Distribution does", async () => {
    await using api = await startApi({ config: { http: { headers: { "x-from-VARIABLE": ["a"] } } } });
    expect((await api.client.ask({ path: "/v2/" })).rawHeaders).toContain("X-From-Variable");
  });

  it("sends nosniff once if the configuration sets it too, as Distribution's default file does", async () => {
    await using api = await startApi({ config: { http: { headers: { "x-content-type-options": ["nosniff"] } } } });
    for (const ask of [{ method: "PUT", path: "/v2/a/tags/list" }, { path: "/v2/a/tags/list" }, { path: "/nowhere" }]) {
      expect(headerLines(await api.client.ask(ask), "x-content-type-options")).toEqual(["nosniff"]);
    }
  });

  it("decodes paths before it matches them", async () => {
    await using api = await startApi();
    await pushImage(api.client, "a/b", "latest");
    for (const path of ["/v2/a%2Fb/manifests/latest", "/v2/%61/b/manifests/l%61test", "/v2/a/b%2fmanifests%2flatest"]) {
      expect([path, (await api.client.ask({ path })).status]).toEqual([path, 200]);
    }
  });

  it.each([
    ["a name that is too long", `/v2/${"a".repeat(256)}/tags/list`],
    ["a long name of many parts", `/v2/${"a/".repeat(400)}b/tags/list`],
    ["a name with a port", "/v2/localhost:5000/x/tags/list"],
    ["a name with an address", "/v2/[::1]/x/tags/list"],
  ])("refuses %s once", async (_, path) => {
    await using api = await startApi();
    const answer = await api.client.ask({ path });
    expect([answer.status, answer.code()]).toEqual([400, "NAME_INVALID"]);
    expect(answer.text().split("\n")).toHaveLength(2);
  });

  it("serves the longest name", async () => {
    await using api = await startApi();
    const name = "a".repeat(255);
    await pushImage(api.client, name, "t".repeat(128));
    expect((await api.client.ask({ path: `/v2/${name}/manifests/${"t".repeat(128)}` })).status).toBe(200);
  });

  it("splits at the last separator", async () => {
    await using api = await startApi();
    const answer = await api.client.ask({ path: `/v2/a/manifests/b/manifests/${DIGEST}` });
    expect(answer.detail()).toBe(`unknown manifest name=a/manifests/b revision=${DIGEST}`);
  });
});

describe("a prefix", () => {
  it("is part of every path except /", async () => {
    await using api = await startApi({ config: { http: { prefix: "/reg/" } } });
    const ask = async (path: string): Promise<number> => (await api.client.ask({ path })).status;
    expect(await Promise.all(["/", "/v2/", "/reg/v2/", "/reg/", "/regxv2/"].map(ask))).toEqual([
      200, 404, 200, 404, 404,
    ]);
    const redirected = await api.client.ask({ path: "/reg/v2" });
    expect([redirected.status, redirected.headers.location]).toEqual([301, "/reg/v2/"]);
    const started = await api.client.ask({ method: "POST", path: "/reg/v2/a/blobs/uploads/" });
    expect(started.headers.location).toMatch(new RegExp(`^${api.client.origin}/reg/v2/a/blobs/uploads/`));
    const list = await api.client.ask({ path: "/reg/v2/_catalog?n=0" });
    expect(list.status).toBe(200);
  });
});

describe("a prefix with relative URLs", () => {
  it("is part of every Location, so that a push works", async () => {
    await using api = await startApi({ config: { http: { prefix: "/reg/", relativeurls: true } } });
    const ask = (method: string, path: string, body?: string | Uint8Array, type = "application/octet-stream") =>
      api.client.ask({ method, path, body, headers: { "content-type": type } });
    const image = makeImage({ layers: 0 });
    const started = await ask("POST", "/reg/v2/a/blobs/uploads/");
    expect(started.headers.location).toMatch(/^\/reg\/v2\/a\/blobs\/uploads\//);
    const patched = await ask("PATCH", locationOf(started), image.config.bytes);
    const put = await ask("PUT", withQuery(locationOf(patched), { digest: image.config.digest }));
    expect([put.status, put.headers.location]).toEqual([201, `/reg/v2/a/blobs/${image.config.digest}`]);
    expect((await ask("GET", locationOf(put))).status).toBe(200);
    const pushed = await ask("PUT", "/reg/v2/a/manifests/1", image.manifest.bytes, OCI_MANIFEST);
    expect([pushed.status, pushed.headers.location]).toEqual([201, `/reg/v2/a/manifests/${image.manifest.digest}`]);
    expect((await ask("GET", locationOf(pushed))).status).toBe(200);
  });
});

describe("a read-only registry", () => {
  it.each([
    ["PUT", "/v2/a/manifests/latest", "GET, HEAD"],
    ["DELETE", "/v2/a/manifests/latest", "GET, HEAD"],
    ["DELETE", `/v2/a/blobs/${DIGEST}`, "GET, HEAD"],
    ["POST", "/v2/a/blobs/uploads/", "GET, HEAD"],
    ["PATCH", "/v2/a/blobs/uploads/x", "GET, HEAD"],
  ])("knows no %s of %s", async (method, path, allow) => {
    await using api = await startApi({ config: { storage: { maintenance: { readonly: { enabled: true } } } } });
    const answer = await api.client.ask({ method, path });
    expect([answer.status, answer.text(), answer.headers.allow]).toEqual([405, "Method not allowed\n", allow]);
  });
});

interface LocationCase {
  readonly title: string;
  readonly http?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** What stands before `/v2/`; `HOST` is the Host header. */
  readonly base: string;
}

const LOCATIONS: readonly LocationCase[] = [
  { title: "the connection and the Host header", base: "http://HOST" },
  { title: "a configured host", http: { host: "https://reg.example:8443" }, base: "https://reg.example:8443" },
  {
    title: "a configured host with a path",
    http: { host: "https://reg.example/a/b" },
    base: "https://reg.example/a",
  },
  {
    title: "a configured host with a folder",
    http: { host: "https://reg.example/a/" },
    base: "https://reg.example/a",
  },
  {
    title: "a configured host, whatever else says",
    http: { host: "https://h", relativeurls: true },
    headers: { "x-forwarded-host": "no" },
    base: "https://h",
  },
  {
    title: "a configured host without a scheme, which counts for nothing",
    http: { host: "reg.example:443" },
    base: "http://HOST",
  },
  { title: "relative URLs", http: { relativeurls: true }, headers: { "x-forwarded-host": "no" }, base: "" },
  { title: "X-Forwarded-Proto", headers: { "x-forwarded-proto": "https" }, base: "https://HOST" },
  {
    title: "X-Forwarded-Host",
    headers: { "x-forwarded-host": " one.example , two.example" },
    base: "http://one.example",
  },
  {
    title: "Forwarded",
    headers: { forwarded: 'for=1.2.3.4;Proto=https;host="one.example:1", host=two' },
    base: "https://one.example:1",
  },
  {
    title: "Forwarded before X-Forwarded-*",
    headers: { forwarded: "host=one", "x-forwarded-host": "two", "x-forwarded-proto": "https" },
    base: "http://one",
  },
  {
    title: "nothing of a Forwarded that can't be read",
    headers: { forwarded: "host=one two", "x-forwarded-host": "two" },
    base: "http://HOST",
  },
  { title: "nothing of a host that isn't one", headers: { "x-forwarded-host": "one/../two?" }, base: "http://HOST" },
  {
    title: "nothing of a scheme that isn't one",
    headers: { "x-forwarded-proto": "javascript:alert(1)//" },
    base: "http://HOST",
  },
  {
    title: "nothing of a scheme that is no registry's",
    headers: { "x-forwarded-proto": "javascript", "x-forwarded-host": "one" },
    base: "http://one",
  },
  {
    title: "nothing that somebody says who is no trusted proxy",
    http: { trustedproxies: ["10.0.0.0/8"] },
    headers: { forwarded: "host=one;proto=https", "x-forwarded-host": "two", "x-forwarded-proto": "https" },
    base: "http://HOST",
  },
  {
    title: "what a trusted proxy says",
    http: { trustedproxies: ["127.0.0.1"] },
    headers: { "x-forwarded-host": "two", "x-forwarded-proto": "https" },
    base: "https://two",
  },
];

describe("locations", () => {
  it.each(LOCATIONS)("are built from $title", async ({ http, headers = {}, base }) => {
    await using api = await startApi({ config: { http: http ?? {} } });
    const answer = await api.client.ask({ method: "POST", path: "/v2/a/blobs/uploads/", headers });
    const expected = base.replace("HOST", new URL(api.client.origin).host);
    expect(answer.headers.location?.startsWith(`${expected}/v2/a/blobs/uploads/`)).toBe(true);
  });
});

describe("upload locations", () => {
  it("are good in every process that has the secret, and in no other", async () => {
    await using api = await startApi();
    const location = await startUpload(api.client, "a");
    expect((await api.client.ask({ method: "PATCH", path: location, body: "x" })).status).toBe(202);
    await using stranger = await startApi({ config: { http: { secret: "another" } } });
    const answer = await stranger.client.ask({
      method: "PATCH",
      path: location,
      body: "x",
      headers: { "content-type": OCI_MANIFEST },
    });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([404, "BLOB_UPLOAD_INVALID", "invalid secret"]);
  });
});
