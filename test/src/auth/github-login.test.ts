import { writeFile } from "node:fs/promises";
import { startGitHub, type GitHubStandIn } from "@longshore/testkit/github";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createIdentities } from "../server/certificates.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { askPort, auditLines, basic, type AuthAnswer } from "./support.js";

const PERSONAL_TOKEN = /lspat_[0-9A-Za-z]{36}/;
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

let github: GitHubStandIn;

beforeAll(async () => {
  github = await startGitHub();
});

afterAll(() => github.listening.close());

function header({ headers }: AuthAnswer, name: "location" | "set-cookie"): string {
  const value = headers[name];
  return Array.isArray(value) ? (value[0] ?? "") : (value ?? "");
}

/** What the browser of somebody who is logged in at GitHub does after a click at the page of the registry. */
async function logIn(port: number, path: string): Promise<AuthAnswer> {
  const begun = await askPort(port, { path });
  expect(begun.status, begun.text).toBe(303);
  const there = await fetch(header(begun, "location"), { redirect: "manual" });
  const back = new URL(there.headers.get("location") ?? "");
  const [cookie = ""] = header(begun, "set-cookie").split(";");
  return askPort(port, { path: back.pathname + back.search, headers: { cookie } });
}

/** What a token for `account`'s password is good for. */
async function grantedTo(port: number, account: string, password: string, path = "/auth/token"): Promise<unknown> {
  const query = "service=registry&scope=repository:team/app:pull,push";
  const answer = await askPort(port, {
    path: `${path}?account=${account}&${query}`,
    headers: { authorization: basic(account, password) },
  });
  expect(answer.status, answer.text).toBe(200);
  const { token } = z.looseObject({ token: z.string() }).parse(JSON.parse(answer.text));
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
}

describe("a login with GitHub", () => {
  let registry: ServedRegistry;

  beforeAll(async () => {
    const { url } = github.listening;
    const client = { clientid: "c", clientsecret: "shh", organizations: ["acme"], weburi: url, apiuri: url };
    registry = await serveRegistry({
      http: { workers: 2 },
      rest: {
        log: { audit: { target: "FOLDER/audit.log" } },
        access: [{ match: { labels: { teams: "developers" }, name: "team/*" }, actions: ["pull"] }],
        tokenserver: { service: "registry", personal: {}, login: { github: client } },
      },
    });
  });

  afterAll(() => registry[Symbol.asyncDispose]());

  function post(path: string, form: Readonly<Record<string, string>>): Promise<AuthAnswer> {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return askPort(registry.port, { method: "POST", path, headers, body: new URLSearchParams(form).toString() });
  }

  /** The one line about a login that `work` adds to the audit log. */
  async function audited(work: () => Promise<unknown>): Promise<Record<string, unknown>> {
    const lines = async () =>
      (await auditLines(`${registry.folder}/audit.log`)).filter(({ action }) => action === "login");
    const before = (await lines()).length;
    await work();
    await expect.poll(async () => (await lines()).slice(before)).toHaveLength(1);
    const [line = {}] = (await lines()).slice(before);
    return line;
  }

  it("in a browser ends with a token that has the rights of the team, and the audit log says who it was", async () => {
    let page: AuthAnswer | undefined;
    const line = await audited(async () => (page = await logIn(registry.port, "/auth/login/github")));
    expect(page?.status).toBe(200);
    const [password = ""] = PERSONAL_TOKEN.exec(page?.text ?? "") ?? [];
    expect(await grantedTo(registry.port, "github/ann", password)).toMatchObject({
      sub: "github/ann",
      access: [{ name: "team/app", actions: ["pull"] }],
    });
    const same = { method: "GET", remote: "127.0.0.1", outcome: "allowed", status: 200 };
    expect(line).toMatchObject({ ...same, account: "github/ann", source: "github" });
    expect(line["token"]).toMatch(/^[0-9a-f]{20}$/);
    const logged = JSON.stringify(line) + registry.stdout() + registry.stderr();
    expect(logged).not.toMatch(PERSONAL_TOKEN);
    expect(logged).not.toContain("gho_");
  });

  it("of somebody else is refused with a way on, and the audit log says so", async () => {
    github.organizations = [];
    let page: AuthAnswer | undefined;
    const line = await audited(async () => (page = await logIn(registry.port, "/auth/login/github")));
    github.organizations = [{ login: "Acme", state: "active" }];
    expect(page?.status).toBe(403);
    expect(page?.text).toContain("in none of the organisations or teams");
    expect(page?.text).toContain('<a href="/auth/login/github">Start again</a>');
    expect(line).toMatchObject({ outcome: "denied", status: 403, source: "github" });
    expect(line).not.toHaveProperty("account");
  });

  it("while GitHub is down is to be begun again later, and nothing has been decided", async () => {
    let page: AuthAnswer | undefined;
    const line = await audited(async () => {
      github.status = 500;
      page = await logIn(registry.port, "/auth/login/github").finally(() => (github.status = undefined));
      await logIn(registry.port, "/auth/login/github");
    });
    expect(page?.status).toBe(503);
    expect(page?.text).toContain("Try again later");
    expect(page?.text).toContain("Start again</a>");
    expect(line).toMatchObject({ outcome: "allowed" });
  });

  it("on a device has a line when it is completed, or refused, and none while it is asked for", async () => {
    let password = "";
    const line = await audited(async () => {
      const done = await onDevice([400, 200]);
      password = z.looseObject({ access_token: z.string() }).parse(JSON.parse(done.text)).access_token;
    });
    expect(line).toMatchObject({ outcome: "allowed", account: "github/ann", source: "github", method: "POST" });
    expect(line["token"]).toMatch(/^[0-9a-f]{20}$/);
    expect(await grantedTo(registry.port, "github/ann", password)).toMatchObject({ sub: "github/ann" });
    const denied = await audited(async () => {
      github.organizations = [];
      await onDevice([400, 400]).finally(() => (github.organizations = [{ login: "Acme", state: "active" }]));
    });
    expect(denied).toMatchObject({ outcome: "denied", status: 400 });
  });

  /** A login on a device: asked for once too early, and once more when the user has confirmed it at GitHub. */
  async function onDevice(expected: readonly number[]): Promise<AuthAnswer> {
    const begun = await post("/auth/device", { provider: "github" });
    const { device_code: code } = z.looseObject({ device_code: z.string() }).parse(JSON.parse(begun.text));
    const form = { grant_type: DEVICE_GRANT, device_code: code };
    github.deviceError = "authorization_pending";
    const early = await post("/auth/device/token", form).finally(() => (github.deviceError = undefined));
    const done = await post("/auth/device/token", form);
    expect([early.status, done.status]).toEqual(expected);
    return done;
  }
});

describe("github_auth of a docker_auth configuration", () => {
  it("logs people in at docker_auth's path, with the label that its rules ask for", async () => {
    await using folder = await makeTemporaryFolder("github-auth");
    const { server } = await createIdentities();
    await writeFile(`${folder.path}/server.pem`, server.certificate);
    await writeFile(`${folder.path}/server.key`, server.key);
    const port = await freePort();
    const { url } = github.listening;
    await writeFile(
      `${folder.path}/auth_config.yml`,
      `
server: { addr: "127.0.0.1:${port}" }
token: { issuer: Acme, expiration: 900, certificate: ${folder.path}/server.pem, key: ${folder.path}/server.key }
github_auth:
  organization: acme
  client_id: c
  client_secret: shh
  level_token_db: { path: ${folder.path}/tokens.ldb }
  github_web_uri: ${url}
  github_api_uri: ${url}
  registry_url: registry.example
acl: [{ match: { labels: { teams: developers }, name: team/* }, actions: [pull] }]
`,
    );
    const daemon = await startDaemon(
      process.execPath,
      [PROGRAM, "token-server", `${folder.path}/auth_config.yml`, "--state", `${folder.path}/state`],
      { ready: (output) => output.includes("listening on") },
    );
    try {
      const page = await logIn(port, "/github_auth");
      expect(page.status, page.text).toBe(200);
      expect(page.text).toContain("registry.example");
      const [password = ""] = PERSONAL_TOKEN.exec(page.text) ?? [];
      expect(await grantedTo(port, "ann", password, "/auth")).toMatchObject({
        sub: "ann",
        iss: "Acme",
        access: [{ name: "team/app", actions: ["pull"] }],
      });
    } finally {
      await daemon.stop();
    }
  });
});
