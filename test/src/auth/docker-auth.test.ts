import { rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { attempt, startDaemon, type Daemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createIdentities } from "../server/certificates.js";

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";

const PROGRAM = fileURLToPath(new URL("../../../packages/registry/bin/registry.js", import.meta.url));

const ANSWER = z.looseObject({ token: z.string(), expires_in: z.literal(900) });
const CLAIMS = z.looseObject({ access: z.array(z.looseObject({ actions: z.array(z.string()) })) });

describe("registry token-server", () => {
  let folder: TemporaryFolder;
  let daemon: Daemon | undefined;
  let client: HttpClient;
  const file = (): string => `${folder.path}/auth_config.yml`;
  const config = (acl: string): string => `
server:
  addr: "127.0.0.1:0"
  path_prefix: /docker-auth
  real_ip_header: X-Client
token: { issuer: "Acme auth server", expiration: 900, certificate: ${folder.path}/server.pem, key: ${folder.path}/server.key }
users: { alice: { password: "${HASH}" }, "": {} }
acl: ${acl}
`;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("docker-auth");
    const { server } = await createIdentities();
    await writeFile(`${folder.path}/server.pem`, server.certificate);
    await writeFile(`${folder.path}/server.key`, server.key);
    await writeFile(
      file(),
      config(
        "[{ match: { account: alice, name: public/own }, actions: ['*'] }, { match: { name: public/* }, actions: [pull] }]",
      ),
    );
    const state = `${folder.path}/state`;
    daemon = await startDaemon(process.execPath, [PROGRAM, "token-server", file(), "--state", state], {
      env: { REGISTRY_HTTP_WORKERS: "2" },
      ready: (output) => output.includes("listening on"),
    });
    const [, port = ""] = /listening on 127\.0\.0\.1:(\d+)/.exec(daemon.output()) ?? [];
    client = createHttpClient(`http://127.0.0.1:${port}`);
  });
  afterAll(async () => {
    client.close();
    await daemon?.stop();
    await folder.remove();
  });

  /** The actions of a token for `name`. */
  async function granted(
    name: string,
    headers: Readonly<Record<string, string>> = {},
    path = "/auth",
  ): Promise<string> {
    const answer = await client.ask({
      path: `/docker-auth${path}?service=Docker%20registry&scope=repository:${name}:pull,push`,
      headers: { "x-client": "192.0.2.1", ...headers },
    });
    expect(answer.status, answer.text()).toBe(200);
    const payload = ANSWER.parse(answer.json()).token.split(".")[1] ?? "";
    const { access } = CLAIMS.parse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    return access.flatMap(({ actions }) => actions).join(",");
  }

  const alice = { authorization: `Basic ${Buffer.from("alice:secret").toString("base64")}` };

  /** Writes the file in one step, and waits until every process has said that it has seen it, or what is wrong with it. */
  async function change(acl: string, isSeen: () => Promise<boolean>): Promise<void> {
    await writeFile(`${file()}.new`, config(acl));
    await rename(`${file()}.new`, file());
    await expect.poll(isSeen, { timeout: 20_000 }).toBe(true);
  }

  it("answers at both of docker_auth's paths, and clients that don't log in", async () => {
    expect(await granted("public/a")).toBe("pull");
    expect(await granted("public/a", {}, "/auth/token")).toBe("pull");
    expect(await granted("private/a", alice)).toBe("");
  });

  it("stores nothing itself, whatever its tokens are good for elsewhere", async () => {
    const headers = { "x-client": "192.0.2.1", ...alice };
    const query = "service=Acme%20auth%20server&scope=repository:public/own:pull,push";
    const { token } = ANSWER.parse((await client.ask({ path: `/docker-auth/auth?${query}`, headers })).json());
    const bearer = { ...headers, authorization: `Bearer ${token}` };
    const path = "/docker-auth/v2/public/own/blobs/uploads/";
    expect((await client.ask({ method: "POST", path, headers: bearer })).status).toBe(405);
    const manifest = { method: "PUT", path: "/docker-auth/v2/public/own/manifests/1", body: "{}" };
    expect((await client.ask({ ...manifest, headers: bearer })).status).toBe(405);
  });

  it("does what the file says after a change, and nothing new while it can't be read", async () => {
    const isGranted = (expected: string) => async () => {
      const all = await Promise.all(Array.from({ length: 4 }, () => granted("private/a", alice)));
      return all.every((actions) => actions === expected);
    };
    await change("[{ match: { account: alice }, actions: ['*'] }]", isGranted("pull,push"));
    await change("[{ match: { acount: alice }, actions: [] }]", () =>
      Promise.resolve((daemon?.output() ?? "").includes("acl[0].match.acount: unknown key")),
    );
    expect(daemon?.output()).toContain("the former one stays in use");
    expect(await granted("private/a", alice)).toBe("pull,push");
    await change("[{ match: { ip: 192.0.2.0/24 }, actions: [pull] }]", isGranted("pull"));
    expect(await granted("private/a", { "x-client": "198.51.100.1" })).toBe("");
  });

  it("doesn't start by a file that it can't take over, and says where and why", async () => {
    const bad = `${folder.path}/bad.yml`;
    await writeFile(bad, `${config("[{ match: { team: a }, actions: [] }]")}casbin_authz: { model_path: x }\n`);
    const { code, stderr } = await attempt(process.execPath, [PROGRAM, "token-server", bad]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${bad}:9: casbin_authz: policies of casbin aren't supported`);
    await writeFile(bad, config("[{ match: { team: a }, actions: [] }]"));
    expect((await attempt(process.execPath, [PROGRAM, "token-server", bad])).stderr).toContain(
      `${bad}:8: acl[0].match.team: unknown key`,
    );
    const people =
      'oidc_auth: { issuer: "https://a", redirect_url: "https://b/oidc_auth", client_id: c, client_secret: d }';
    await writeFile(bad, `${config("[]")}${people}\n`);
    expect((await attempt(process.execPath, [PROGRAM, "token-server", bad])).stderr).toContain("say in which: --state");
    await writeFile(bad, `${config("[]")}ldap_auth: { addr: "l:636", base: a, filter: "(uid=x)" }\n`);
    expect((await attempt(process.execPath, [PROGRAM, "token-server", bad])).stderr).toContain(
      `${bad}:9: ldap_auth.filter: it has to contain \${account}`,
    );
  });
});
