import { mkdir, writeFile } from "node:fs/promises";
import { createAccessController, type AccessController } from "@longshore/auth";
import { createOwnTokens } from "@longshore/token-server";
import { METHODS, ROUTES } from "@longshore/registry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "@longshore/testkit/fixtures";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { basic, passwordLine, tokenIn } from "./support.js";

/** Who asks. `wrong` is somebody with a wrong password or a forged token. */
const CALLERS = ["nobody", "wrong", "reader", "writer", "admin"] as const;
type Caller = (typeof CALLERS)[number];

/** The least of the callers that gets through; `login`: whoever has valid credentials. */
type Least = "login" | "reader" | "writer" | "admin";

const ASKED_METHODS = [...METHODS, "OPTIONS"] as const;
type AskedMethod = (typeof ASKED_METHODS)[number];

interface Row {
  readonly path: string;
  /** For tokens: what a client that was challenged would ask for. */
  readonly scope: string;
  readonly least: Readonly<Record<AskedMethod, Least>>;
}

const DIGEST = digestOf("x");
const RUNS = "/v2/_longshore/maintenance/runs";
const MAINTENANCE = "registry:maintenance:*";
const OF_REPOSITORY = "/v2/team/app/_longshore/repository";
const SCOPE = "repository:team/app:pull,push,delete";

/** Methods that no route knows are refused after access control, so they need what their kind needs (wire contract §4.1). */
const REPOSITORY: Row["least"] = {
  GET: "reader",
  HEAD: "reader",
  POST: "writer",
  PUT: "writer",
  PATCH: "writer",
  DELETE: "admin",
  OPTIONS: "login",
};

const ALL = (least: Least): Row["least"] => ({
  GET: least,
  HEAD: least,
  POST: least,
  PUT: least,
  PATCH: least,
  DELETE: least,
  OPTIONS: least,
});

/** A row for every route that asks who it is. One without a row fails the first test. */
const TABLE: Readonly<Record<string, Row>> = {
  manifest: { path: "/v2/team/app/manifests/latest", scope: SCOPE, least: REPOSITORY },
  blob: { path: `/v2/team/app/blobs/${DIGEST}`, scope: SCOPE, least: REPOSITORY },
  "blob-upload": { path: "/v2/team/app/blobs/uploads/", scope: SCOPE, least: REPOSITORY },
  "blob-upload-chunk": { path: "/v2/team/app/blobs/uploads/some-id", scope: SCOPE, least: REPOSITORY },
  referrers: { path: `/v2/team/app/referrers/${DIGEST}`, scope: SCOPE, least: REPOSITORY },
  tags: { path: "/v2/team/app/tags/list", scope: SCOPE, least: REPOSITORY },
  catalog: { path: "/v2/_catalog", scope: "registry:catalog:*", least: ALL("admin") },
  base: { path: "/v2/", scope: "", least: ALL("login") },
  "oci-ext-discover": { path: "/v2/_oci/ext/discover", scope: "", least: ALL("login") },
  "oci-ext-discover-of-repository": { path: "/v2/team/app/_oci/ext/discover", scope: SCOPE, least: REPOSITORY },
  "longshore-api-openapi": { path: "/v2/_longshore/api/openapi", scope: "", least: ALL("login") },
  "longshore-catalog-repositories": {
    path: "/v2/_longshore/catalog/repositories",
    scope: "registry:catalog:*",
    least: ALL("admin"),
  },
  "longshore-catalog-activity": {
    path: "/v2/_longshore/catalog/activity",
    scope: "registry:catalog:*",
    least: ALL("admin"),
  },
  "longshore-maintenance-usage": { path: "/v2/_longshore/maintenance/usage", scope: MAINTENANCE, least: ALL("admin") },
  "longshore-maintenance-history": {
    path: "/v2/_longshore/maintenance/history",
    scope: MAINTENANCE,
    least: ALL("admin"),
  },
  "longshore-maintenance-configuration": {
    path: "/v2/_longshore/maintenance/configuration",
    scope: MAINTENANCE,
    least: ALL("admin"),
  },
  "longshore-maintenance-status": {
    path: "/v2/_longshore/maintenance/status",
    scope: MAINTENANCE,
    least: ALL("admin"),
  },
  "longshore-repository-files": { path: `${OF_REPOSITORY}/files/${DIGEST}`, scope: SCOPE, least: REPOSITORY },
  "longshore-repository-retention": { path: `${OF_REPOSITORY}/retention`, scope: SCOPE, least: REPOSITORY },
  "longshore-repository-usage": { path: `${OF_REPOSITORY}/usage`, scope: SCOPE, least: REPOSITORY },
  "longshore-repository-referrers": { path: `${OF_REPOSITORY}/referrers/${DIGEST}`, scope: SCOPE, least: REPOSITORY },
  "longshore-repository-contents": { path: `${OF_REPOSITORY}/contents`, scope: SCOPE, least: REPOSITORY },
  "longshore-repository-copies": { path: `${OF_REPOSITORY}/copies?tag=x`, scope: SCOPE, least: REPOSITORY },
  "longshore-repository-moves": { path: `${OF_REPOSITORY}/moves?tag=x`, scope: SCOPE, least: REPOSITORY },
  "longshore-maintenance-runs": { path: `${RUNS}?job=collection`, scope: MAINTENANCE, least: ALL("admin") },
  "longshore-maintenance-run": { path: `${RUNS}/some-id`, scope: MAINTENANCE, least: ALL("admin") },
  "longshore-repository-images": { path: `${OF_REPOSITORY}/images/latest`, scope: SCOPE, least: REPOSITORY },
  "longshore-repository-tags": { path: `${OF_REPOSITORY}/tags?match=x`, scope: SCOPE, least: REPOSITORY },
};

const RANK: Readonly<Record<Caller, number>> = { nobody: -1, wrong: -1, reader: 1, writer: 2, admin: 3 };
const NEEDED: Readonly<Record<Least, number>> = { login: 1, reader: 1, writer: 2, admin: 3 };

const RULES = [
  { name: "admin", type: "registry", action: ["*"] },
  { name: "writer", type: "repository", repository: "team/*", action: ["pull", "push"] },
  { name: "reader", type: "repository", repository: "team/*", action: ["pull"] },
];
const ANONYMOUS_RULE = { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] };

/** What a Bearer challenge says to those who don't get through (RFC 6750 §3.1). */
const ERRORS: Readonly<Record<Caller, string | undefined>> = {
  nobody: undefined,
  wrong: "invalid_token",
  reader: "insufficient_scope",
  writer: "insufficient_scope",
  admin: undefined,
};

const CELLS = Object.entries(TABLE).flatMap(([route, row]) =>
  ASKED_METHODS.flatMap((method) => CALLERS.map((caller) => ({ route, row, method, caller }))),
);

const cells = CELLS.map((cell) => [`${cell.method} ${cell.route} as ${cell.caller}`, cell] as const);

async function htpasswd(folder: string, rules: readonly unknown[] | undefined): Promise<AccessController> {
  await mkdir(folder, { recursive: true });
  const path = `${folder}/htpasswd`;
  await writeFile(path, ["reader", "writer", "admin"].map((user) => passwordLine(user, `${user}'s`)).join(""));
  // Many cells try a wrong password on purpose.
  const options = { realm: "Registry Realm", path, service: "registry", workers: 1, throttle: { disabled: true } };
  const log = { error: () => undefined, warn: () => undefined, info: () => undefined };
  return createAccessController("htpasswd", options, {
    log,
    clock: Date.now,
    secret: "a secret",
    ownTokens: createOwnTokens,
    rules,
  });
}

function credentialsOf(caller: Caller): string | undefined {
  if (caller === "nobody") return undefined;
  return caller === "wrong" ? basic("admin", "wrong") : basic(caller, `${caller}'s`);
}

function useApi(rules: readonly unknown[] | undefined): () => RunningApi {
  let running: { readonly api: RunningApi; readonly folder: AsyncDisposable } | undefined;
  beforeAll(async () => {
    const folder = await makeTemporaryFolder("routes");
    running = { folder, api: await startApi({ access: await htpasswd(folder.path, rules) }) };
  });
  afterAll(async () => {
    await running?.api.stop();
    await running?.folder[Symbol.asyncDispose]();
  });
  return () => {
    if (running === undefined) throw new Error("the API runs only while tests do");
    return running.api;
  };
}

it("every route that access control guards has a row, and no row is without a route", () => {
  const guarded = ROUTES.filter(({ accesses }) => accesses !== "own").map(({ name }) => name);
  expect(Object.keys(TABLE).sort()).toEqual(guarded.sort());
  const own = ROUTES.filter(({ accesses }) => accesses === "own").map(({ path }) => path);
  // These look at credentials themselves; their own tests are at the end.
  expect(own).toEqual(["/auth", "/auth/token"]);
});

describe("htpasswd with rules", () => {
  const api = useApi(RULES);

  it.each(cells)("%s", async (_, { row, method, caller }) => {
    const authorization = credentialsOf(caller);
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await api().client.ask({ method, path: row.path, headers });
    if (caller === "nobody" || caller === "wrong") {
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toBe('Basic realm="Registry Realm"');
    } else if (RANK[caller] < NEEDED[row.least[method]]) {
      expect(answer.status).toBe(403);
      if (method !== "HEAD")
        expect([answer.code(), answer.detail()]).toEqual(["DENIED", expect.stringContaining(caller)]);
    } else {
      expect([401, 403, 429, 500, 503]).not.toContain(answer.status);
    }
  });
});

describe("htpasswd without rules: every valid user may do everything", () => {
  const api = useApi(undefined);

  it.each(cells)("%s", async (_, { row, method, caller }) => {
    const authorization = credentialsOf(caller);
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await api().client.ask({ method, path: row.path, headers });
    if (RANK[caller] < 0) expect(answer.status).toBe(401);
    else expect([401, 403, 429, 500, 503]).not.toContain(answer.status);
  });
});

describe("rules that let anonymous in, with the registry's own tokens", () => {
  const api = useApi([...RULES, ANONYMOUS_RULE]);

  async function bearer(caller: Caller, scope: string): Promise<string | undefined> {
    if (caller === "wrong") return "Bearer e30.e30.AAAA";
    const authorization = credentialsOf(caller);
    if (authorization === undefined) return undefined;
    const query = new URLSearchParams({ service: "registry", ...(scope === "" ? {} : { scope }) });
    const answer = await api().client.ask({ path: `/auth/token?${String(query)}`, headers: { authorization } });
    return `Bearer ${tokenIn(answer.text())}`;
  }

  it.each(cells)("%s", async (_, { row, method, caller }) => {
    const authorization = await bearer(caller, row.scope);
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await api().client.ask({ method, path: row.path, headers });
    const challenge = String(answer.headers["www-authenticate"]);
    const allowed = RANK[caller] >= NEEDED[row.least[method]];
    expect(answer.status === 401).toBe(!allowed);
    if (allowed) {
      expect([403, 429, 500, 503]).not.toContain(answer.status);
      return;
    }
    expect(challenge).toContain(`Bearer realm="${api().client.origin}/auth/token",service="registry"`);
    const error = ERRORS[caller];
    if (error === undefined) expect(challenge).not.toContain("error=");
    else expect(challenge).toContain(`error="${error}"`);
  });

  it.each(cells.filter(([, { caller }]) => caller !== "nobody"))(
    "with Basic credentials all the same: %s",
    async (_, { row, method, caller }) => {
      const answer = await api().client.ask({
        method,
        path: row.path,
        headers: { authorization: credentialsOf(caller) ?? "" },
      });
      if (caller === "wrong") expect(answer.status).toBe(401);
      else expect(answer.status === 403).toBe(RANK[caller] < NEEDED[row.least[method]]);
    },
  );

  it("anonymous may pull public repositories, with and without a token, and nothing else", async () => {
    const { client } = api();
    expect((await client.ask({ path: "/v2/public/app/tags/list" })).status).toBe(404);
    expect((await client.ask({ path: "/v2/team/app/tags/list" })).status).toBe(401);
    expect((await client.ask({ method: "POST", path: "/v2/public/app/blobs/uploads/" })).status).toBe(401);
    const scope = "repository:public/app:pull,push&scope=repository:team/app:pull";
    const token = tokenIn((await client.ask({ path: `/auth/token?service=registry&scope=${scope}` })).text());
    const headers = { authorization: `Bearer ${token}` };
    expect((await client.ask({ path: "/v2/", headers })).status).toBe(200);
    expect((await client.ask({ path: "/v2/public/app/tags/list", headers })).status).toBe(404);
    expect((await client.ask({ path: "/v2/team/app/tags/list", headers })).status).toBe(401);
    expect((await client.ask({ method: "POST", path: "/v2/public/app/blobs/uploads/", headers })).status).toBe(401);
  });

  it.each(ASKED_METHODS)("%s /auth/token", async (method) => {
    const { client } = api();
    const ask = (authorization?: string) =>
      client.ask({
        method,
        path: "/auth/token?service=registry",
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
          ...(method === "POST" ? { "content-type": "application/x-www-form-urlencoded" } : {}),
        },
        ...(method === "POST"
          ? { body: "grant_type=password&service=registry&client_id=t&username=reader&password=reader%27s" }
          : {}),
      });
    const answer = await ask(method === "GET" ? credentialsOf("reader") : undefined);
    if (method === "GET" || method === "POST") {
      expect(answer.status).toBe(200);
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(
        tokenIn(method === "GET" ? answer.text() : JSON.stringify({ token: accessToken(answer.json()) })),
      ).not.toBe("");
      if (method === "GET") expect((await ask(credentialsOf("wrong"))).status).toBe(401);
    } else expect(answer.status).toBe(method === "OPTIONS" ? 200 : 405);
  });

  it("a malformed or oversized form is refused", async () => {
    const { client } = api();
    const post = (type: string, body: string) =>
      client.ask({ method: "POST", path: "/auth/token", headers: { "content-type": type }, body });
    expect((await post("application/json", "{}")).status).toBe(415);
    expect((await post("application/x-www-form-urlencoded", `a=${"x".repeat(70_000)}`)).status).toBe(413);
    expect((await post("application/x-www-form-urlencoded", "grant_type=device")).status).toBe(400);
  });
});

describe("without rules for anonymous", () => {
  const api = useApi(RULES);

  it("there is no token endpoint", async () => {
    expect((await api().client.ask({ path: "/auth/token" })).status).toBe(404);
  });
});

function accessToken(document: unknown): unknown {
  return typeof document === "object" && document !== null && "access_token" in document ? document.access_token : "";
}
