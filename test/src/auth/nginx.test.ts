import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SLOW, useResources } from "../clients/site.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { createIdentities, type TestIdentities } from "../server/certificates.js";
import { digestOf } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { attempt, startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { writeLayout, makeImage } from "../clients/images.js";
import { askPort, basic, passwordLine, tokenIn, type AuthAnswer, type AuthAsk } from "./support.js";
import { USERS, writePasswords } from "./site.js";

/** nginx with TLS in front of a registry. */
interface Proxy {
  readonly port: number;
  readonly host: string;
  readonly origin: string;
  readonly folder: string;
  readonly identities: TestIdentities;
  ask(ask: Omit<AuthAsk, "ca">): Promise<AuthAnswer>;
}

const FORWARD = `
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout 900;
      proxy_request_buffering off;
      client_max_body_size 0;
      chunked_transfer_encoding on;`;

type Start = (location: (registry: ServedRegistry) => string, registry: ServedRegistry, at?: number) => Promise<Proxy>;

function useProxies(): Start {
  const own = useResources();
  return async (location, registry, at) => {
    const folder = own(await makeTemporaryFolder("nginx")).path;
    const identities = await createIdentities();
    const port = at ?? (await freePort());
    await mkdir(join(folder, "certs"));
    await writeFile(join(folder, "certs/ca.crt"), identities.authority);
    await writeFile(join(folder, "cert.pem"), identities.server.certificate);
    await writeFile(join(folder, "key.pem"), identities.server.key, { mode: 0o600 });
    await writePasswords(join(folder, "htpasswd"));
    await writeFile(
      join(folder, "nginx.conf"),
      `daemon off; error_log stderr warn; pid ${folder}/nginx.pid; worker_processes 1; user root;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    ${location(registry)}
  }
}
`,
    );
    const ask = (what: Omit<AuthAsk, "ca">) => askPort(port, { ...what, ca: identities.authority });
    const daemon = await startDaemon("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
      ready: async () => (await ask({ path: "/" })).status > 0,
    });
    own({ [Symbol.asyncDispose]: async () => void (await daemon.stop()) });
    return { port, host: `127.0.0.1:${port}`, origin: `https://127.0.0.1:${port}`, folder, identities, ask };
  };
}

/** Pushes a blob and reads it, going by what each Location says. */
async function roundTrip(proxy: Proxy, base: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const follow = (location: string | undefined): string => {
    expect(location).toBeDefined();
    const url = new URL(location ?? "", proxy.origin);
    expect(url.origin).toBe(proxy.origin);
    return url.pathname + url.search;
  };
  const content = Buffer.from(`content of ${base}`);
  const digest = digestOf(content);
  const begun = await proxy.ask({ method: "POST", path: `${base}/v2/a/blobs/uploads/`, headers });
  expect(begun.status).toBe(202);
  const patched = await proxy.ask({
    method: "PATCH",
    path: follow(begun.headers.location),
    headers: { ...headers, "content-type": "application/octet-stream" },
    body: content,
  });
  expect(patched.status).toBe(202);
  const put = await proxy.ask({
    method: "PUT",
    path: `${follow(patched.headers.location)}&digest=${digest}`,
    headers,
  });
  expect(put.status).toBe(201);
  const got = await proxy.ask({ path: follow(put.headers.location), headers });
  expect([got.status, got.text]).toEqual([200, content.toString()]);
}

describePeers("nginx in front", ["nginx", "htpasswd"], () => {
  const start = useProxies();
  const own = useResources();
  const serve = async (options: Parameters<typeof serveRegistry>[0] = {}) => own(await serveRegistry(options));

  it(
    "asks for the password itself, and clients push and pull through it",
    async () => {
      const registry = await serve();
      const proxy = await start(
        ({ port }) => `location /v2/ {
      auth_basic "Registry realm"; auth_basic_user_file htpasswd;
      add_header Docker-Distribution-Api-Version registry/2.0 always;
      proxy_pass http://127.0.0.1:${port};${FORWARD}
    }`,
        registry,
      );
      expect((await proxy.ask({ path: "/v2/" })).status).toBe(401);
      expect((await proxy.ask({ path: "/v2/", headers: { authorization: basic("alice", "wrong") } })).status).toBe(401);
      await roundTrip(proxy, "", { authorization: basic("alice", USERS.alice) });
    },
    SLOW,
  );

  it(
    "below a path that it passes on (http.prefix)",
    async () => {
      const registry = await serve({ http: { prefix: "/registry/" } });
      const proxy = await start(
        ({ port }) => `location /registry/ { proxy_pass http://127.0.0.1:${port};${FORWARD} }`,
        registry,
      );
      expect((await proxy.ask({ path: "/registry/v2/" })).status).toBe(200);
      await roundTrip(proxy, "/registry");
    },
    SLOW,
  );

  it(
    "below a path that it takes away (http.host)",
    async () => {
      const port = await freePort();
      // The registry has to know the address beforehand, as operators do.
      const registry = await serve({ http: { host: `https://127.0.0.1:${port}/images/` } });
      const proxy = await start(
        (served) => `location /images/ { proxy_pass http://127.0.0.1:${served.port}/;${FORWARD} }`,
        registry,
        port,
      );
      await roundTrip(proxy, "/images");
    },
    SLOW,
  );

  it(
    "with http.relativeurls, whatever the proxy says of itself",
    async () => {
      const registry = await serve({ http: { relativeurls: true } });
      const proxy = await start(({ port }) => `location / { proxy_pass http://127.0.0.1:${port}; }`, registry);
      await roundTrip(proxy, "");
    },
    SLOW,
  );

  describe("with the registry's own passwords", () => {
    const RULES = [
      { name: "alice", type: "registry", action: ["*"] },
      { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
    ];
    const auth = (more: Readonly<Record<string, unknown>> = {}) => ({
      rest: {
        auth: { htpasswd: { realm: "Registry Realm", path: "FOLDER/htpasswd" } },
        log: { audit: { target: "stdout" } },
        ...more,
      },
      files: { htpasswd: passwordLine("alice", USERS.alice) },
    });

    it.each(["/registry/", "/"])(
      "sends clients to the token endpoint under its own address: %s",
      async (prefix) => {
        const registry = await serve({ http: { prefix }, ...auth({ access: RULES }) });
        const proxy = await start(
          ({ port }) => `location ${prefix} { proxy_pass http://127.0.0.1:${port};${FORWARD} }`,
          registry,
        );
        const base = prefix.slice(0, -1);
        const challenged = await proxy.ask({ path: `${base}/v2/` });
        const realm = `${proxy.origin}${base}/auth/token`;
        expect(challenged.headers["www-authenticate"]).toBe(`Bearer realm="${realm}",service="Registry Realm"`);
        const query = new URLSearchParams({ service: "Registry Realm", scope: "repository:a:pull,push" });
        const issued = await proxy.ask({
          path: `${new URL(realm).pathname}?${String(query)}`,
          headers: { authorization: basic("alice", USERS.alice) },
        });
        await roundTrip(proxy, base, { authorization: `Bearer ${tokenIn(issued.text)}` });
      },
      SLOW,
    );

    it(
      "knows clients by their own addresses where the proxy is trusted",
      async () => {
        const registry = await serve({ http: { trustedproxies: ["127.0.0.1"] }, ...auth() });
        const proxy = await start(
          ({ port }) =>
            `location / { proxy_pass http://127.0.0.1:${port}; proxy_set_header X-Forwarded-For 203.0.113.9; }`,
          registry,
        );
        await proxy.ask({ path: "/v2/", headers: { authorization: basic("alice", "wrong") } });
        await expect.poll(() => registry.stdout()).toContain('"remote":"203.0.113.9"');
      },
      SLOW,
    );
  });
});

describePeers("skopeo and crane through nginx's own password", ["nginx", "htpasswd", "skopeo", "crane"], () => {
  const start = useProxies();
  const own = useResources();

  it(
    "push and pull",
    async () => {
      const proxy = await start(
        ({ port }) => `location /v2/ {
      auth_basic "Registry realm"; auth_basic_user_file htpasswd;
      proxy_pass http://127.0.0.1:${port};${FORWARD}
    }`,
        own(await serveRegistry()),
      );
      const layout = join(proxy.folder, "layout");
      await writeLayout(layout, { single: makeImage("oci", { bulk: 3 * 1024 * 1024 }) });
      const pushed = await attempt("skopeo", [
        "--insecure-policy",
        "copy",
        `--dest-cert-dir=${join(proxy.folder, "certs")}`,
        `--dest-creds=bob:${USERS.bob}`,
        `oci:${layout}:single`,
        `docker://${proxy.host}/team/app:1`,
      ]);
      expect(pushed.code, pushed.stderr).toBe(0);
      const env = { SSL_CERT_FILE: join(proxy.folder, "certs/ca.crt"), DOCKER_CONFIG: join(proxy.folder, "crane") };
      await attempt("crane", ["auth", "login", proxy.host, "-u", "bob", "-p", USERS.bob], { env });
      const pulled = await attempt("crane", ["pull", `${proxy.host}/team/app:1`, join(proxy.folder, "pulled.tar")], {
        env,
      });
      expect(pulled.code, pulled.stderr).toBe(0);
    },
    SLOW,
  );
});
