import { AuthError, type AccessController } from "@longshore/auth";
import { describe, expect, it } from "vitest";
import { digestOf, pushBlob, randomContent } from "@longshore/testkit/fixtures";
import { connectRaw, type HttpClient } from "@longshore/testkit/http-client";
import { startApi, type ApiSettings } from "@longshore/testkit/start-registry";

const SILLY: ApiSettings = {
  auth: { type: "silly", parameters: { realm: "https://auth.example/token", service: "registry" } },
};

const scope = (...accesses: readonly string[]): string =>
  accesses.length === 0 ? "" : `,scope="${accesses.join(" ")}"`;

const CASES: readonly (readonly [method: string, path: string, accesses: readonly string[]])[] = [
  ["GET", "/v2/", []],
  ["PROPFIND", "/v2/", []],
  ["GET", "/v2/_catalog", ["registry:catalog:*"]],
  ["DELETE", "/v2/_catalog", ["registry:catalog:*"]],
  ["GET", "/v2/a/b/tags/list", ["repository:a/b:pull"]],
  ["POST", "/v2/a/b/tags/list", ["repository:a/b:pull", "repository:a/b:push"]],
  ["GET", "/v2/a/manifests/x", ["repository:a:pull"]],
  ["HEAD", "/v2/a/manifests/x", ["repository:a:pull"]],
  ["PUT", "/v2/a/manifests/x", ["repository:a:pull", "repository:a:push"]],
  ["DELETE", "/v2/a/manifests/x", ["repository:a:delete"]],
  ["OPTIONS", "/v2/a/manifests/x", []],
  ["GET", `/v2/a/blobs/${digestOf("x")}`, ["repository:a:pull"]],
  ["DELETE", `/v2/a/blobs/${digestOf("x")}`, ["repository:a:delete"]],
  ["GET", `/v2/a/referrers/${digestOf("x")}`, ["repository:a:pull"]],
  ["POST", "/v2/a/blobs/uploads/", ["repository:a:pull", "repository:a:push"]],
  ["POST", "/v2/a/blobs/uploads/?mount=x&from=c/d", ["repository:a:pull", "repository:a:push", "repository:c/d:pull"]],
  ["POST", "/v2/a/blobs/uploads/?mount=x&from=a", ["repository:a:pull", "repository:a:push", "repository:a:pull"]],
  ["POST", "/v2/a/blobs/uploads/?from=", ["repository:a:pull", "repository:a:push"]],
  ["PATCH", "/v2/a/blobs/uploads/x", ["repository:a:pull", "repository:a:push"]],
  ["DELETE", "/v2/a/blobs/uploads/x", ["repository:a:delete"]],
  ["GET", `/v2/${"a".repeat(300)}/tags/list`, [`repository:${"a".repeat(300)}:pull`]],
];

describe("a request without credentials", () => {
  it.each(CASES)("%s %s is challenged for the access it needs", async (method, path, accesses) => {
    await using api = await startApi({ ...SILLY, config: { http: { headers: { "X-Configured": ["yes"] } } } });
    const answer = await api.client.ask({ method, path });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe(
      `Bearer realm="https://auth.example/token",service="registry"${scope(...accesses)}`,
    );
    expect([answer.headers["docker-distribution-api-version"], answer.headers["x-configured"]]).toEqual([
      "registry/2.0",
      "yes",
    ]);
    if (method === "HEAD") return;
    const detail = accesses.map((text) => {
      const [Type, Name, Action] = text.split(":");
      return { Type, Class: "", Name, Action };
    });
    expect(answer.json()).toEqual({
      errors: [
        { code: "UNAUTHORIZED", message: "authentication required", detail: detail.length === 0 ? null : detail },
      ],
    });
  });

  it.each(["/", "/nowhere", "/v2", "/v2/A/tags/list"])("isn't challenged where nothing is served: %s", async (path) => {
    await using api = await startApi(SILLY);
    const answer = await api.client.ask({ path });
    expect(answer.headers["www-authenticate"]).toBeUndefined();
    expect(answer.status).not.toBe(401);
  });
});

describe("a request with credentials", () => {
  const headers = { authorization: "Bearer anything" };

  it.each(CASES)("%s %s is let through", async (method, path) => {
    await using api = await startApi(SILLY);
    expect((await api.client.ask({ method, path, headers })).status).not.toBe(401);
  });

  it("may mount a blob without naming its repository, because it may read all of them", async () => {
    await using api = await startApi(SILLY);
    const client: HttpClient = {
      ...api.client,
      ask: (ask) => api.client.ask({ ...ask, headers: { ...ask.headers, ...headers } }),
    };
    const content = randomContent();
    await pushBlob(client, "a", content);
    const answer = await client.ask({ method: "POST", path: `/v2/b/blobs/uploads/?mount=${content.digest}` });
    expect(answer.status).toBe(201);
  });
});

describe("a controller", () => {
  const controller = (authorize: AccessController["authorize"]): AccessController => ({
    name: "test",
    authorize,
    close: () => Promise.resolve(),
  });

  it("that doesn't let everyone read everything prevents mounts without a source", async () => {
    await using api = await startApi({ access: controller(() => ({ account: "a", unrestricted: false })) });
    const content = randomContent();
    await pushBlob(api.client, "secret", content);
    const mount = async (query: string): Promise<number> =>
      (await api.client.ask({ method: "POST", path: `/v2/b/blobs/uploads/?mount=${content.digest}${query}` })).status;
    expect([await mount(""), await mount("&from="), await mount("&from=secret")]).toEqual([202, 202, 201]);
  });

  it.each([
    [{ code: "DENIED", reason: "internal" }, 403, "DENIED"],
    [{ code: "UNAVAILABLE", reason: "internal" }, 503, "UNAVAILABLE"],
  ] as const)("that answers %j later is waited for", async (fault, status, code) => {
    const later = async (): Promise<never> => {
      await new Promise(setImmediate);
      throw new AuthError(fault);
    };
    await using api = await startApi({ access: controller(later) });
    const answer = await api.client.ask({ method: "PUT", path: "/v2/a/manifests/x", body: "{}" });
    expect([answer.status, answer.code()]).toEqual([status, code]);
    expect(answer.text()).not.toContain("internal");
  });

  it("sees the request, and the client leave", async () => {
    const seen: unknown[] = [];
    let left: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (left = resolve));
    await using api = await startApi({
      access: controller((request, accesses, options) => {
        seen.push([request.method, request.headers["x-test"], request.secure, request.peerCertificate, accesses]);
        options?.signal?.addEventListener("abort", () => left?.());
        return new Promise(() => undefined);
      }),
    });
    using connection = await connectRaw(api.client.origin);
    connection.write("GET /v2/a/tags/list HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\n\r\n");
    while (seen.length === 0) await new Promise(setImmediate);
    connection.socket.destroy();
    await gone;
    const access = { type: "repository", name: "a", action: "pull" };
    expect(seen).toEqual([["GET", "yes", false, undefined, [access]]]);
  });
});
