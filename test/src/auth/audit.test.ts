import { rename, stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { createHttpClient } from "@longshore/testkit/http-client";
import { contentOf, digestOf, makeImage, pushBlob, pushManifest, type Image } from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { freePort } from "@longshore/testkit/loopback";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { askPort, auditLines, basic, passwordLine, tokenIn } from "./support.js";

const PASSWORD = "correct horse battery staple";
const ALICE = basic("alice", PASSWORD);

const RULES = [
  { name: "alice", type: "registry", action: ["*"] },
  { name: "bob", type: "repository", repository: "bob/*", action: ["pull", "push"] },
  { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
];

interface Settings {
  readonly audit?: Readonly<Record<string, unknown>>;
  readonly http?: Readonly<Record<string, unknown>>;
  readonly access?: readonly unknown[];
}

function serve({ audit = { target: "FOLDER/audit.log" }, http = {}, access }: Settings = {}): Promise<ServedRegistry> {
  return serveRegistry({
    http,
    rest: {
      log: { level: "info", audit },
      auth: { htpasswd: { realm: "Registry Realm", path: "FOLDER/htpasswd" } },
      ...(access === undefined ? {} : { access }),
    },
    files: { htpasswd: passwordLine("alice", PASSWORD) + passwordLine("bob", "bob's") },
  });
}

/** A client whose every request is Alice's. */
function alice(registry: ServedRegistry): HttpClient & Disposable {
  const client = createHttpClient(`http://127.0.0.1:${registry.port}`);
  return {
    ...client,
    ask: (ask) => client.ask({ ...ask, headers: { authorization: ALICE, "user-agent": "tests/1", ...ask.headers } }),
    [Symbol.dispose]: () => client.close(),
  };
}

async function pushAs(client: HttpClient, name: string): Promise<Image> {
  const image = makeImage({ layers: 1 });
  for (const blob of [image.config, ...image.layers]) await pushBlob(client, name, blob);
  await pushManifest(client, name, image.manifest, image.mediaType, "v1");
  return image;
}

/** Stops the registry, which flushes what is buffered, and gives the lines without what differs from run to run. */
async function linesAfter(registry: ServedRegistry): Promise<Record<string, unknown>[]> {
  registry.kill("SIGTERM");
  expect(await registry.exited).toBe(0);
  return auditLines(`${registry.folder}/audit.log`);
}

describe("the audit log", () => {
  it("records who did what to which repository, tag and digest, from where", async () => {
    await using registry = await serve();
    using client = alice(registry);
    const image = await pushAs(client, "team/app");
    const [layer = contentOf("")] = image.layers;
    await client.ask({ path: "/v2/" });
    await client.ask({ path: "/v2/team/app/manifests/v1", headers: { accept: image.mediaType } });
    await client.ask({ path: `/v2/team/app/blobs/${layer.digest}` });
    await client.ask({ method: "POST", path: `/v2/other/blobs/uploads/?mount=${layer.digest}&from=team/app` });
    await client.ask({ path: "/v2/team/app/tags/list" });
    await client.ask({ method: "DELETE", path: "/v2/team/app/manifests/v1" });
    await client.ask({ path: "/v2/team/app/manifests/gone" });
    const lines = await linesAfter(registry);
    for (const line of lines) {
      expect(line).toMatchObject({ account: "alice", outcome: "allowed", remote: "127.0.0.1" });
      expect(Date.parse(String(line["time"]))).not.toBeNaN();
      expect(line["request"]).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(
      lines.map(({ action, repository, tag, digest, from, status }) => [action, repository, tag, digest, from, status]),
    ).toEqual([
      ["push", "team/app", undefined, image.config.digest, undefined, 201],
      ["push", "team/app", undefined, layer.digest, undefined, 201],
      ["push", "team/app", "v1", image.manifest.digest, undefined, 201],
      ["login", undefined, undefined, undefined, undefined, 200],
      ["pull", "team/app", "v1", image.manifest.digest, undefined, 200],
      ["pull", "team/app", undefined, layer.digest, undefined, 200],
      ["mount", "other", undefined, layer.digest, "team/app", 201],
      ["list", "team/app", undefined, undefined, undefined, 200],
      ["delete", "team/app", "v1", undefined, undefined, 202],
      ["pull", "team/app", "gone", undefined, undefined, 404],
    ]);
    expect(lines.map(({ agent }) => agent)).toContain("tests/1");
  });

  it("has failed logins, denials and tokens, and never a password or a token", async () => {
    await using registry = await serve({ access: RULES });
    const ask = (path: string, authorization?: string, method = "GET") =>
      askPort(registry.port, { method, path, headers: authorization === undefined ? {} : { authorization } });
    await ask("/v2/");
    await ask("/v2/", basic("alice", "not-the-password"));
    await ask("/v2/", basic("mallory", PASSWORD));
    await ask("/v2/team/app/manifests/1", basic("bob", "bob's"));
    await ask("/v2/team/app/manifests/1");
    await ask("/v2/public/app/manifests/1");
    const issued = await ask(
      "/auth/token?service=Registry%20Realm&scope=repository:bob/app:pull,push,delete",
      basic("bob", "bob's"),
    );
    const token = tokenIn(issued.text);
    await ask("/auth/token?service=Registry%20Realm&scope=repository:a:pull", basic("bob", "not-the-password"));
    await ask("/v2/bob/app/blobs/uploads/", `Bearer ${token}`, "POST");
    await ask("/v2/bob/app/tags/list", `Bearer ${token}`);
    await ask("/v2/bob/app/manifests/1", `Bearer ${token}`, "DELETE");
    await ask("/v2/bob/app/tags/list", `Bearer ${token.slice(0, -5)}AAAAA`);
    const lines = await linesAfter(registry);
    expect(
      lines.map(({ action, outcome, account, repository, status }) => [action, outcome, account, repository, status]),
    ).toEqual([
      ["login", "failed-login", "alice", undefined, 401],
      ["login", "failed-login", "mallory", undefined, 401],
      ["pull", "denied", "bob", "team/app", 403],
      ["pull", "challenged", undefined, "team/app", 401],
      ["pull", "allowed", "", "public/app", 404],
      ["token", "allowed", "bob", undefined, 200],
      ["token", "failed-login", "bob", undefined, 401],
      ["list", "allowed", "bob", "bob/app", 404],
      ["delete", "denied", "bob", "bob/app", 401],
      ["list", "failed-login", undefined, "bob/app", 401],
    ]);
    expect(lines[5]?.["granted"]).toEqual(["repository:bob/app:pull", "repository:bob/app:push"]);
    const text = JSON.stringify(lines) + registry.stderr() + registry.stdout();
    for (const secret of [PASSWORD, "not-the-password", "bob's", token, ALICE, "Basic ", "Bearer "]) {
      expect(text.includes(secret), secret).toBe(false);
    }
  });

  it("consists of whole lines when several workers write it", async () => {
    await using registry = await serve({ http: { workers: 2 } });
    const asks = Array.from({ length: 200 }, (_, index) =>
      askPort(registry.port, { path: `/v2/a/manifests/tag-${index}`, headers: { authorization: ALICE } }),
    );
    await Promise.all(asks);
    const lines = await linesAfter(registry);
    expect(new Set(lines.map(({ tag }) => tag)).size).toBe(200);
    expect(lines).toHaveLength(200);
  });

  it("omits allowed reads if only changes and refusals are configured", async () => {
    await using registry = await serve({ audit: { target: "FOLDER/audit.log", pulls: false } });
    using client = alice(registry);
    const blob = contentOf("content");
    await pushBlob(client, "a", blob);
    await client.ask({ path: `/v2/a/blobs/${blob.digest}` });
    await client.ask({ path: "/v2/a/tags/list" });
    await client.ask({ path: `/v2/a/blobs/${blob.digest}`, headers: { authorization: basic("alice", "no") } });
    const lines = await linesAfter(registry);
    expect(lines.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["push", "allowed"],
      ["pull", "failed-login"],
    ]);
  });

  it("continues in a new file after SIGHUP, so that it can be rotated", async () => {
    await using registry = await serve({ http: { workers: 2 } });
    const pull = (tag: string) =>
      askPort(registry.port, { path: `/v2/a/manifests/${tag}`, headers: { authorization: ALICE } });
    await pull("before");
    const old = `${registry.folder}/audit.log.1`;
    await expect.poll(() => auditLines(`${registry.folder}/audit.log`)).toHaveLength(1);
    await rename(`${registry.folder}/audit.log`, old);
    registry.kill("SIGHUP");
    await expect
      .poll(() =>
        stat(`${registry.folder}/audit.log`).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await Promise.all(Array.from({ length: 8 }, (_, index) => pull(`after-${index}`)));
    const lines = await linesAfter(registry);
    const all = [...lines, ...(await auditLines(old))].map(({ tag }) => tag);
    expect(all.sort()).toEqual(["before", ...Array.from({ length: 8 }, (_, index) => `after-${index}`)].sort());
    expect(lines.length).toBeGreaterThan(0);
  });

  it("can go to standard output beside the access log", async () => {
    await using registry = await serve({ audit: { target: "stdout" } });
    await askPort(registry.port, { path: `/v2/a/blobs/${digestOf("x")}`, headers: { authorization: ALICE } });
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
    const line = registry
      .stdout()
      .split("\n")
      .find((text) => text.startsWith("{"));
    expect(line).toContain('"action":"pull","outcome":"allowed","account":"alice","repository":"a"');
  });

  it("can't be opened: the registry reports that and doesn't start", async () => {
    await expect(serve({ audit: { target: "FOLDER/missing/audit.log" } })).rejects.toThrow(
      /exit 1 [\s\S]*log\.audit\.target: can't open .*audit\.log for appending \(ENOENT\)/,
    );
  });

  it("has the address that a trusted proxy names", async () => {
    await using registry = await serve({ http: { trustedproxies: ["127.0.0.1"] } });
    const headers = { authorization: ALICE, "x-forwarded-for": "6.6.6.6, 203.0.113.9" };
    await askPort(registry.port, { path: "/v2/", headers });
    expect((await linesAfter(registry)).map(({ remote }) => remote)).toEqual(["203.0.113.9"]);
  });
});

it("the same outcomes are counted as metrics, summed over workers", async () => {
  const debug = await freePort();
  await using registry = await serve({
    http: { workers: 2, debug: { addr: `127.0.0.1:${debug}`, prometheus: { enabled: true } } },
  });
  for (const authorization of [ALICE, ALICE, ALICE, basic("alice", "not-the-password"), undefined]) {
    await askPort(registry.port, { path: "/v2/", headers: authorization === undefined ? {} : { authorization } });
  }
  const { text } = await askPort(debug, { path: "/metrics" });
  expect(text).toContain('registry_auth_outcomes_total{controller="htpasswd",outcome="allowed"} 3\n');
  expect(text).toContain('registry_auth_outcomes_total{controller="htpasswd",outcome="failed-login"} 1\n');
  expect(text).toContain('registry_auth_outcomes_total{controller="htpasswd",outcome="challenged"} 1\n');
});
