import { describe, expect, it } from "vitest";
import { pushImage, randomContent } from "@longshore/testkit/fixtures";
import { headerLines, type Answer, type HttpClient } from "@longshore/testkit/http-client";
import { startApi, type ApiSettings } from "@longshore/testkit/start-registry";

const PAGE = "https://ui.example";
const STRANGER = "https://elsewhere.example";
const SILLY = { type: "silly", parameters: { realm: "https://auth.example/token", service: "registry" } };

const CORS = {
  origins: [PAGE],
  methods: ["GET", "HEAD", "DELETE"],
  headers: ["Authorization", "Accept"],
  maxage: "600s",
  credentials: false,
};

function corsLines(answer: Answer): string[] {
  return answer.rawHeaders.filter((_, index, all) => index % 2 === 0 && /^access-control-/i.test(all[index] ?? ""));
}

function preflight(client: HttpClient, path: string, origin = PAGE): Promise<Answer> {
  const headers = { origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization" };
  return client.ask({ method: "OPTIONS", path, headers });
}

const PATHS = ["/v2/", "/v2/_catalog", "/v2/a/tags/list", "/v2/a/manifests/1", "/nowhere", "/v2/A/tags/list", "/"];

describe("http.cors", () => {
  const settings: ApiSettings = { auth: SILLY, config: { http: { cors: CORS } } };

  it.each(PATHS)("answers a preflight of %s without credentials", async (path) => {
    await using api = await startApi(settings);
    const answer = await preflight(api.client, path);
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-allow-methods": "GET, HEAD, DELETE",
      "access-control-allow-headers": "Authorization, Accept",
      "access-control-max-age": "600",
      vary: "Origin",
    });
    expect(answer.headers["www-authenticate"]).toBeUndefined();
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
    expect(answer.body).toHaveLength(0);
  });

  it("doesn't answer a preflight of another origin, nor an OPTIONS that is none", async () => {
    await using api = await startApi(settings);
    const stranger = await preflight(api.client, "/v2/", STRANGER);
    expect([stranger.status, corsLines(stranger)]).toEqual([401, []]);
    expect(stranger.headers.vary).toBe("Origin");
    const plain = await api.client.ask({ method: "OPTIONS", path: "/v2/", headers: { origin: PAGE } });
    expect(plain.status).toBe(401);
  });

  it.each([
    ["/v2/", 401],
    ["/v2/a/manifests/1", 401],
    ["/nowhere", 404],
    ["/v2/A/tags/list", 404],
    ["/v2", 301],
    ["/v2/%zz", 400],
  ])("%s shows a page its %d", async (path, status) => {
    await using api = await startApi(settings);
    const answer = await api.client.ask({ path, headers: { origin: PAGE } });
    expect(answer.status).toBe(status);
    expect(answer.headers["access-control-allow-origin"]).toBe(PAGE);
    const exposed = answer.headers["access-control-expose-headers"] ?? "";
    for (const name of ["WWW-Authenticate", "Docker-Content-Digest", "Link", "Location"])
      expect(exposed).toContain(name);
    const stranger = await api.client.ask({ path, headers: { origin: STRANGER } });
    expect([stranger.status, corsLines(stranger)]).toEqual([status, []]);
  });

  it("shows a page what it may read, with each header once, in any response of a route", async () => {
    await using api = await startApi({ config: { http: { cors: CORS, headers: { "X-Configured": ["yes"] } } } });
    const image = await pushImage(api.client, "a", "1");
    const headers = { origin: PAGE, accept: image.mediaType };
    const [layer = randomContent()] = image.layers;
    const paths = ["/v2/", "/v2/_catalog", "/v2/a/tags/list", "/v2/a/manifests/1", `/v2/a/blobs/${layer.digest}`];
    for (const path of paths) {
      const answer = await api.client.ask({ path, headers });
      expect(answer.status, path).toBe(200);
      expect(headerLines(answer, "access-control-allow-origin"), path).toEqual([PAGE]);
      expect(headerLines(answer, "vary"), path).toEqual(["Origin"]);
      expect(headerLines(answer, "x-configured"), path).toEqual(["yes"]);
    }
    const missing = await api.client.ask({ path: "/v2/a/manifests/2", headers });
    expect([missing.status, missing.headers["access-control-allow-origin"]]).toEqual([404, PAGE]);
  });

  it("sends nothing to clients other than browsers, except that responses vary", async () => {
    await using api = await startApi(settings);
    const answer = await api.client.ask({ path: "/v2/" });
    expect([corsLines(answer), answer.headers.vary]).toEqual([[], "Origin"]);
  });

  it("with * lets every page read, and caches needn't care", async () => {
    await using api = await startApi({ config: { http: { cors: { ...CORS, origins: ["*"] } } } });
    const answer = await api.client.ask({ path: "/v2/", headers: { origin: STRANGER } });
    expect([answer.headers["access-control-allow-origin"], answer.headers.vary]).toEqual(["*", undefined]);
  });

  it("with credentials names the origin and says so", async () => {
    await using api = await startApi({ config: { http: { cors: { ...CORS, credentials: true } } } });
    const asked = await preflight(api.client, "/v2/");
    const answer = await api.client.ask({ path: "/v2/", headers: { origin: PAGE } });
    for (const { headers } of [asked, answer]) {
      expect(headers["access-control-allow-origin"]).toBe(PAGE);
      expect(headers["access-control-allow-credentials"]).toBe("true");
    }
  });

  it("works below a prefix", async () => {
    await using api = await startApi({ auth: SILLY, config: { http: { cors: CORS, prefix: "/registry/" } } });
    expect((await preflight(api.client, "/registry/v2/")).status).toBe(204);
  });
});

describe("http.headers that allow an origin, as users of Distribution write them", () => {
  const lines = {
    "Access-Control-Allow-Origin": [PAGE],
    "Access-Control-Allow-Methods": ["HEAD", "GET", "OPTIONS", "DELETE"],
    "Access-Control-Allow-Headers": ["Authorization", "Accept"],
    "Access-Control-Max-Age": ["1728000"],
    "Access-Control-Allow-Credentials": ["true"],
    "Access-Control-Expose-Headers": ["Docker-Content-Digest"],
  };

  it("answer a preflight before credentials, as they were written", async () => {
    await using api = await startApi({ auth: SILLY, config: { http: { headers: lines } } });
    const answer = await preflight(api.client, "/v2/a/manifests/1");
    expect(answer.status).toBe(204);
    for (const [name, values] of Object.entries(lines)) expect(headerLines(answer, name), name).toEqual(values);
  });

  it("are on every answer once, and on unknown paths too", async () => {
    await using api = await startApi({ auth: SILLY, config: { http: { headers: lines } } });
    for (const [path, status] of [
      ["/v2/", 401],
      ["/nowhere", 404],
    ] as const) {
      const answer = await api.client.ask({ path, headers: { origin: PAGE } });
      expect(answer.status).toBe(status);
      for (const [name, values] of Object.entries(lines)) expect(headerLines(answer, name), path).toEqual(values);
    }
  });

  it("get the methods and headers that they leave out", async () => {
    await using api = await startApi({
      auth: SILLY,
      config: { http: { headers: { "access-control-allow-origin": ["*"] } } },
    });
    const { status, headers } = await preflight(api.client, "/v2/", STRANGER);
    expect(status).toBe(204);
    expect(headers["access-control-allow-methods"]).toBe("GET, HEAD, POST, PUT, PATCH, DELETE");
    expect(headers["access-control-allow-headers"]).toContain("Authorization");
  });

  it("don't answer a preflight of another origin", async () => {
    await using api = await startApi({ auth: SILLY, config: { http: { headers: lines } } });
    expect((await preflight(api.client, "/v2/", STRANGER)).status).toBe(401);
  });
});

it("without either nothing is answered before credentials", async () => {
  await using api = await startApi({ auth: SILLY });
  const answer = await preflight(api.client, "/v2/");
  expect([answer.status, corsLines(answer)]).toEqual([401, []]);
});
