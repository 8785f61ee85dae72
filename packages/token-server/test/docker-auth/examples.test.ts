import { keyIds, libtrustKeyId, thumbprint, type AccessController } from "@longshore/auth";
import { testFolder } from "@longshore/testkit/test-folder";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startStandIn } from "../sources/ldap/stand-in.js";
import { startMongoStandIn } from "../sources/mongodb/stand-in.js";
import { ask, convert, granted, HASH, openConverted, problemsOf, writeKey, type KeyFiles } from "./site.js";

// Each of docker_auth's examples, in words of our own: what is asked here is what its comments promise.

const server = ({ certificate, key }: KeyFiles) => `
server: { addr: ":5001", certificate: ${certificate}, key: ${key} }
token: { issuer: "Acme auth server", expiration: 900 }
`;

/** A controller that lives as long as one test. */
async function open(rest: string, keys?: KeyFiles): Promise<AccessController> {
  return openConverted(convert(server(keys ?? (await writeKey())) + rest));
}

const repository = (name: string, actions = "pull,push") => `repository:${name}:${actions}`;

describe("the simple example, and the one without TLS", () => {
  const rest = `
users:
  admin: { password: "${HASH}" }
  test: { password: "${HASH}" }
acl:
  - { match: { account: admin }, actions: ["*"], comment: all of it }
  - { match: { account: test }, actions: [pull] }
`;

  it("lets the administrator do everything, and the other user pull", async () => {
    const controller = await open(rest);
    const admin = "admin:secret";
    expect(await granted(controller, { login: admin, scope: repository("a/b", "pull,push,delete") })).toBe(
      "delete,pull,push",
    );
    expect(await granted(controller, { login: admin, scope: "registry:catalog:*" })).toBe("*");
    expect(await granted(controller, { login: "test:secret", scope: repository("a/b") })).toBe("pull");
    expect(await granted(controller, { login: "test:secret", scope: "registry:catalog:*" })).toBe("");
  });

  it("refuses wrong passwords, unknown users, and who doesn't log in", async () => {
    const controller = await open(rest);
    for (const login of ["admin:wrong", "nobody:secret", undefined])
      await expect(ask(controller, { ...(login === undefined ? {} : { login }) })).rejects.toThrow();
  });

  it("may sign with a pair of its own, and listen without TLS", async () => {
    const keys = await writeKey("rsa");
    const text = `
server: { addr: ":5001" }
token: { issuer: a, expiration: 900, certificate: ${keys.certificate}, key: ${keys.key} }
${rest}`;
    const conversion = convert(text);
    expect(conversion.config?.["http"]).not.toHaveProperty("tls");
    const { header } = await ask(await openConverted(conversion), { login: "admin:secret" });
    expect(header).toMatchObject({ alg: "RS256", kid: libtrustKeyId(keys.publicKey) });
  });
});

const REFERENCE_USERS = `
users:
  admin: { password: "${HASH}" }
  test: { password: "${HASH}" }
  alice: { password: "${HASH}", labels: { group: [trainee], project: [web], tier: [prod] } }
  victor: { password: "${HASH}", labels: { group: [VIP] } }
  "": {}
`;

const REFERENCE_ACL = `
acl:
  - { match: { ip: 127.0.0.0/8 }, actions: ["*"] }
  - { match: { ip: "::1" }, actions: ["*"] }
  - { match: { ip: 172.17.0.1 }, actions: ["*"] }
  - { match: { account: admin }, actions: ["*"] }
  - { match: { account: test, name: "test-*" }, actions: ["*"] }
  - { match: { account: test }, actions: [] }
  - { match: { account: "/.+/", name: "\${account}/*" }, actions: ["*"] }
  - { match: { account: "/.+/", type: registry, name: catalog }, actions: ["*"] }
`;

describe("the reference example", () => {
  const OPEN = `
  - { match: { account: "/.+/" }, actions: [pull] }
  - { match: { account: "", name: hello-world }, actions: [pull] }
`;

  it.each([
    ["anyone on this machine", { ip: "127.8.9.1" }, repository("x/y", "pull,push,delete"), "delete,pull,push"],
    ["anyone on this machine by IPv6", { ip: "::1" }, repository("x/y", "push"), "push"],
    ["the bridge", { ip: "172.17.0.1" }, repository("x/y", "push"), "push"],
    ["another address", { ip: "172.17.0.2" }, repository("x/y", "push"), ""],
    ["the administrator", { login: "admin:secret" }, repository("x", "push,delete"), "delete,push"],
    ["a user in their images", { login: "test:secret" }, repository("test-app", "pull,push"), "pull,push"],
    ["that user in others", { login: "test:secret" }, repository("app", "pull"), ""],
    ["that user below theirs", { login: "test:secret" }, repository("test-app/x", "pull"), ""],
    ["a user in their namespace", { login: "alice:secret" }, repository("alice/app", "pull,push"), "pull,push"],
    ["that user below it", { login: "alice:secret" }, repository("alice/app/sub", "pull,push"), "pull"],
    ["a user in the catalog", { login: "alice:secret" }, "registry:catalog:*", "*"],
    ["a user elsewhere", { login: "alice:secret" }, repository("bob/app", "pull,push"), "pull"],
    ["anonymous clients", {}, repository("hello-world", "pull,push"), "pull"],
    ["anonymous clients elsewhere", {}, repository("app", "pull"), ""],
    ["anonymous clients in the catalog", {}, "registry:catalog:*", ""],
  ])("grants %s what it says", async (_, question, scope, actions) => {
    const controller = await open(REFERENCE_USERS + REFERENCE_ACL + OPEN);
    expect(await granted(controller, { ...question, scope })).toBe(actions);
  });

  const LABELS = `
acl:
  - { match: { account: "/^(.+)@test.com$/", name: "\${account:1}/*" }, actions: [] }
  - { match: { labels: { group: VIP } }, actions: [push] }
  - { match: { name: "\${labels:group}-shared/*" }, actions: [push, pull] }
  - { match: { name: "\${labels:project}/*" }, actions: [push, pull] }
  - { match: { name: "\${labels:project}-\${labels:tier}/*" }, actions: [push, pull] }
  - { match: { labels: { group: "/trainee|dev/" } }, actions: [pull] }
`;
  it.each([
    ["victor", "any/thing", "push"],
    ["alice", "trainee-shared/a", "pull,push"],
    ["alice", "dev-shared/a", "pull"],
    ["alice", "web/a", "pull,push"],
    ["alice", "web-prod/a", "pull,push"],
    ["alice", "web-test/a", "pull"],
    ["admin", "web/a", ""],
  ])("inserts labels: %s in %s", async (account, name, actions) => {
    const controller = await open(REFERENCE_USERS + LABELS);
    expect(await granted(controller, { login: `${account}:secret`, scope: repository(name) })).toBe(actions);
  });

  it.each([
    ["alone", ""],
    ["beside another source", "ext_auth: { command: /bin/true }\n"],
  ])("knows clients that don't log in by the labels of the user without a name, %s", async (_, source) => {
    const users = `users: { "": { labels: { group: [dev], project: [web] } } }\n${source}`;
    const controller = await open(users + LABELS);
    expect(await granted(controller, { scope: repository("web/a") })).toBe("pull,push");
    expect(await granted(controller, { scope: repository("else/a") })).toBe("pull");
    const acl = `acl: [{ match: { account: "", labels: { group: dev } }, actions: [pull] }]\n`;
    expect(await granted(await open(users + acl), { scope: repository("app") })).toBe("pull");
    expect(await granted(await open(REFERENCE_USERS + acl), { scope: repository("app") })).toBe("");
  });

  it("takes the part of a name that an expression finds", async () => {
    const users = `users: { "bob@test.com": { password: "${HASH}" } }\n`;
    const acl = LABELS.replace("actions: []", "actions: [pull]");
    const controller = await open(users + acl);
    const login = "bob@test.com:secret";
    expect(await granted(controller, { login, scope: repository("bob/app") })).toBe("pull");
    expect(await granted(controller, { login, scope: repository("eve/app") })).toBe("");
  });

  it("says what of it can't be taken over, and nothing else", () => {
    const rest = `
server:
  addr: ":5001"
  net: tcp
  path_prefix: ""
  certificate: /server.pem
  key: /server.key
  letsencrypt: { email: webmaster@example.org, cache_dir: /cache }
token: { issuer: Acme, expiration: 900 }
users: { admin: {} }
xorm_auth: { database_type: mysql, conn_string: "user:password@/name" }
plugin_authn: { plugin_path: "" }
acl: [{ match: {}, actions: [] }]
acl_xorm: { database_type: mysql, conn_string: x, cache_ttl: 1m }
casbin_authz: { model_path: model, policy_path: csv }
plugin_authz: { plugin_path: "" }
`;
    const refused = problemsOf(rest).map((message) => message.split(":")[0]);
    expect(refused).toEqual(["xorm_auth", "plugin_authn", "acl_xorm", "casbin_authz", "plugin_authz"]);
  });
});

describe("the example of a directory", () => {
  it("binds as the user, finds the entry and takes its attributes as labels", async () => {
    const bound: string[] = [];
    const directory = await startStandIn({
      bind(name, password) {
        bound.push(name);
        return password === "alice's secret" ? 0 : 49;
      },
      search: () => [
        {
          dn: "uid=alice,o=example.com",
          attributes: {
            uid: ["alice"],
            title: ["Developer*"],
            memberOf: ["cn=Admin,ou=groups,o=example.com", "cn=Team,o=example.com"],
          },
        },
      ],
    });
    onTestFinished(directory.close);
    const controller = await open(`
ldap_auth:
  addr: ${directory.host}
  tls: none
  ca_certificate:
  bind_dn:
  bind_password_file:
  initial_bind_as_user: true
  bind_dn: "cn=\${account},cn=users,dc=example,dc=com"
  base: o=example.com
  filter: (&(uid=\${account})(objectClass=person))
  labels:
    title: { attribute: title }
    groups: { attribute: memberOf, parse_cn: true, lower_case: true }
acl:
  - { match: { labels: { groups: admin }, name: "admin/*" }, actions: [push] }
  - { match: { name: "\${labels:groups}/*" }, actions: [pull, push] }
  - { match: { name: "\${labels:title}/*" }, actions: [pull] }
`);
    const login = "alice:alice's secret";
    expect(await granted(controller, { login, scope: repository("admin/a") })).toBe("push");
    expect(bound[0]).toBe("cn=alice,cn=users,dc=example,dc=com");
    expect(await granted(controller, { login, scope: repository("team/a") })).toBe("pull,push");
    // Who can write their own title doesn't choose a pattern by it.
    expect(await granted(controller, { login, scope: repository("Developers/a") })).toBe("");
    await expect(ask(controller, { login: "alice:wrong" })).rejects.toThrow();
    await expect(ask(controller, { login: "alice:" })).rejects.toThrow();
  });
});

describe("the example of external programs", () => {
  async function script(lines: string): Promise<string> {
    const path = join(await testFolder(), "program");
    await writeFile(path, `#!/bin/sh\n${lines}`);
    await chmod(path, 0o755);
    return path;
  }

  it("lets a program verify passwords and give labels", async () => {
    const command = await script(`read -r user password
[ "$user $password" = "user pass" ] && exit 0
if [ "$user $password" = "bofh LART" ]; then
  echo '{"labels": {"level": ["max"], "groups": ["VIP", "ATeam"]}}'
  exit 0
fi
exit 1
`);
    const controller = await open(`
ext_auth: { command: ${command}, args: ["--flag"] }
acl:
  - { match: { labels: { groups: ATeam } }, actions: ["*"] }
  - { match: {}, actions: [pull] }
`);
    expect(await granted(controller, { login: "user:pass", scope: repository("a/b") })).toBe("pull");
    expect(await granted(controller, { login: "bofh:LART", scope: repository("a/b") })).toBe("pull,push");
    await expect(ask(controller, { login: "user:LART" })).rejects.toThrow();
    await expect(ask(controller, {})).rejects.toThrow();
  });

  it("lets a program decide what no entry matches, with all that it is to know", async () => {
    const seen = join(await testFolder(), "seen");
    const command = await script(`tee ${seen} | grep -q '"Actions":\\["pull"\\]'\n`);
    const controller = await open(`
users: { alice: { password: "${HASH}", labels: { groups: [dev] } } }
acl: [{ match: { name: "closed/*" }, actions: [] }]
ext_authz: { command: ${command} }
`);
    const login = "alice:secret";
    expect(await granted(controller, { login, scope: repository("closed/a", "pull") })).toBe("");
    expect(await granted(controller, { login, scope: repository("a/b", "pull") })).toBe("pull");
    expect(await granted(controller, { login, scope: repository("a/b", "pull,push") })).toBe("");
  });

  it("starts programs in the server's folder, with its environment and without the registry's secrets", async () => {
    process.env["ACME_DATABASE"] = "db.example";
    process.env["REGISTRY_HTTP_SECRET"] = "a secret";
    onTestFinished(() => {
      delete process.env["ACME_DATABASE"];
      delete process.env["REGISTRY_HTTP_SECRET"];
    });
    const command = await script(
      `[ "$ACME_DATABASE" = db.example ] && [ -z "$REGISTRY_HTTP_SECRET" ] && [ "$PWD" = /usr ]\n`,
    );
    const folder = "/usr";
    const text = `${server(await writeKey())}\next_auth: { command: ${command} }\nacl: []\n`;
    const { convertDockerAuth } = await import("../../src/docker-auth/convert.js");
    const controller = await openConverted(convertDockerAuth(text, { findCommand: (name) => name, folder }));
    expect((await ask(controller, { login: "a:b" })).claims.sub).toBe("a");
  });
});

describe("the example of collections", () => {
  // No MongoDB server can be had here: the official driver talks to a stand-in that speaks its wire protocol.
  it("finds users and rules there, in the order of seq", async () => {
    const mongo = await startMongoStandIn({
      users: [{ username: "alice", password: HASH, labels: { group: ["dev*"] } }, { username: "open" }],
      acl: [
        { seq: 20, match: { name: "${labels:group}/*" }, actions: ["pull", "push"] },
        { seq: 10, match: { account: "alice", name: "devil/*" }, actions: [] },
      ],
    });
    onTestFinished(mongo.close);
    const dial = `dial_info: { addrs: ["${mongo.host}"], timeout: 10s, database: auth, username: "", password_file: "", enable_tls: false, direct: true }`;
    const controller = await open(`
mongo_auth: { ${dial}, collection: users }
acl_mongo: { ${dial}, collection: acl, cache_ttl: 1m }
`);
    const login = "alice:secret";
    expect(await granted(controller, { login, scope: repository("developers/a") })).toBe("pull,push");
    expect(await granted(controller, { login, scope: repository("devil/a") })).toBe("");
    await expect(ask(controller, { login: "open:anything" })).rejects.toThrow();
  });
});

describe("what docker_auth gets wrong", () => {
  const REST = `
users: { alice: { password: "${HASH}" }, "": {} }
acl: [{ match: { name: "public/*" }, actions: [pull] }]
`;

  it("answers say how long a token is valid, and since when", async () => {
    const { answer } = await ask(await open(REST), { login: "alice:secret" });
    expect(answer.expires_in).toBe(900);
    expect(answer.issued_at).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(answer["access_token"]).toBe(answer.token);
  });

  it("keys on curves are known by an id of their own, for registry:2 and registry:3", async () => {
    const [keys, other] = [await writeKey(), await writeKey()];
    const ids = await Promise.all(
      [keys, other].map(async (pair) => (await ask(await open(REST, pair), {})).header["kid"]),
    );
    expect(ids).toEqual([libtrustKeyId(keys.publicKey), libtrustKeyId(other.publicKey)]);
    const modern = server(keys).replace("expiration", "disable_legacy_key_id: true, expiration") + REST;
    const { header } = await ask(await openConverted(convert(modern)), {});
    expect(header).toMatchObject({ alg: "ES256", kid: thumbprint(keys.publicKey) });
    expect(header).not.toHaveProperty("x5c");
    expect(keyIds(keys.publicKey)).toContain(header["kid"]);
  });

  it("rules without an account are for clients that don't log in, once they are let in, and not otherwise", async () => {
    expect(await granted(await open(REST), { scope: repository("public/a") })).toBe("pull");
    await expect(ask(await open(REST.replace(', "": {}', "")), {})).rejects.toThrow();
  });

  it("a key in a match that isn't known is refused, and matches nobody instead of everybody", async () => {
    const keys = await writeKey();
    const acl = "users: { a: {} }\nacl: [{ match: { team: x }, actions: ['*'] }]";
    expect(problemsOf(server(keys) + acl)[0]).toContain("acl[0].match.team: unknown key");
  });

  it("a pattern may have a part that an expression finds after another part", async () => {
    const controller = await open(`
users: { "bob@example.com": { password: "${HASH}" } }
acl: [{ match: { account: "/^(.+)@example.com$/", name: "\${type}/\${account:1}" }, actions: [push] }]
`);
    const login = "bob@example.com:secret";
    expect(await granted(controller, { login, scope: repository("repository/bob") })).toBe("push");
    expect(await granted(controller, { login, scope: repository("repository/eve") })).toBe("");
  });
});
