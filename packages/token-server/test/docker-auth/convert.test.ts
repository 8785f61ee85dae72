import { describe, expect, it } from "vitest";
import { tokenServerSection } from "../../src/options.js";
import { convert, problemsOf } from "./site.js";

const BASE = `
server: { addr: ":5001", certificate: /c.pem, key: /k.pem }
token: { issuer: "Acme auth server", expiration: 900 }
`;
const USERS = "users: { alice: {} }\n";
const ACL = "acl: [{ match: { account: alice }, actions: ['*'] }]\n";

const configOf = (text: string) => {
  const { config, problems } = convert(text);
  expect(problems).toEqual([]);
  return config;
};

describe("a docker_auth file", () => {
  it("takes over users, tokens and rules", () => {
    const config = configOf(`${BASE}
users:
  admin: { password: "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC" }
  test: { labels: { group: [dev] } }
  "": {}
${ACL}`);
    expect(config).toMatchObject({
      http: { addr: ":5001", net: "tcp", tls: { certificate: "/c.pem", key: "/k.pem" } },
      access: [{ match: { account: "alice" }, actions: ["*"] }],
      tokenserver: {
        service: "Acme auth server",
        services: ["*"],
        lifetime: "900s",
        anonymous: true,
        anonymousrules: true,
        keys: { certificate: "/c.pem", key: "/k.pem", x5c: true, keyid: "libtrust" },
        local: { users: { test: { anypassword: true, labels: { group: ["dev"] } }, "": {} } },
      },
    });
  });

  it("asks sources and rules in docker_auth's order", () => {
    const dial = "dial_info: { addrs: [db], database: auth }";
    const config = configOf(`${BASE}${USERS}${ACL}
mongo_auth: { ${dial}, collection: users }
ldap_auth: { addr: "ldap.example:389", base: o=example, filter: "(uid=\${account})" }
ext_auth: { command: my_auth }
ext_authz: { command: ./my_authz, args: [-v] }
acl_mongo: { ${dial}, collection: acl, cache_ttl: 30s }
`);
    expect(config).toMatchObject({
      tokenserver: {
        sources: ["local", "program", "ldap", "mongodb"],
        rules: ["access", "mongodbrules", "programrules"],
        program: { command: "/usr/local/bin/my_auth", folder: "/srv", environment: ["*"], labelpatterns: true },
        programrules: { command: "/usr/local/bin/./my_authz", args: ["-v"] },
        mongodbrules: { cachettl: "30000ms", collection: "acl" },
      },
    });
    expect(tokenServerSection.safeParse(config?.["tokenserver"]).success).toBe(true);
  });

  it("lets in who doesn't log in only if a user has no name", () => {
    expect(configOf(`${BASE}${USERS}${ACL}`)).toMatchObject({ tokenserver: { anonymous: false } });
    expect(configOf(`${BASE}users: { "": {} }\n${ACL}`)).toMatchObject({
      tokenserver: { anonymous: true, local: { users: { "": {} } } },
    });
    expect(configOf(`${BASE}users: { alice: {}, "": }\n${ACL}`)).toMatchObject({ tokenserver: { anonymous: false } });
  });

  it("gives tokens at least the minute that clients assume, and at most a day", () => {
    const withLifetime = (seconds: string) => convert(`${BASE.replace("900", seconds)}${USERS}${ACL}`);
    expect(withLifetime("5").config).toMatchObject({ tokenserver: { lifetime: "60s" } });
    expect(withLifetime("5").warnings[0]?.message).toContain("token.expiration");
    expect(withLifetime("31536000").config).toMatchObject({ tokenserver: { lifetime: "86400s" } });
    expect(withLifetime("900").warnings).toEqual([]);
  });

  it("denies everything with an empty list of rules, and asks the others beside one", () => {
    expect(configOf(`${BASE}${USERS}acl: []`)).toMatchObject({ access: [{ match: {}, actions: [] }] });
    const beside = configOf(`${BASE}${USERS}acl: []\next_authz: { command: /bin/x }`);
    expect(beside).not.toHaveProperty("access");
    expect(beside).toMatchObject({ tokenserver: { rules: ["programrules"] } });
  });

  it("leaves out a list of users without a user beside other sources", () => {
    const config = configOf(`${BASE}users: { "": {} }\next_auth: { command: /bin/x }\n${ACL}`);
    expect(config).toMatchObject({ tokenserver: { sources: ["program"], anonymous: true } });
    const labelled = configOf(
      `${BASE}users: { "": { labels: { group: [dev] } } }\next_auth: { command: /bin/x }\n${ACL}`,
    );
    expect(labelled).toMatchObject({
      tokenserver: { sources: ["local", "program"], local: { users: { "": { labels: { group: ["dev"] } } } } },
    });
    expect(problemsOf(`${BASE}users: {}\n${ACL}`)).toEqual(["users: there is nobody who could log in"]);
  });
});

describe("the server of a docker_auth file", () => {
  const server = (extra: string) => `
server: { addr: ":5001", certificate: /c.pem, key: /k.pem, ${extra} }
token: { issuer: a, expiration: 900, disable_legacy_key_id: true }
${USERS}${ACL}`;

  it.each([
    ["tls_min_version: TLS12", { tls: { minimumtls: "tls1.2" } }],
    ["tls_min_version: 0x0304", { tls: { minimumtls: "tls1.3" } }],
    ["tls_min_version: 771", { tls: { minimumtls: "tls1.2" } }],
    ["tls_curve_preferences: [P521, 24, X25519]", { tls: { curves: ["P521", "P384", "X25519"] } }],
    [
      "tls_cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0xc014, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305]",
      {
        tls: {
          ciphersuites: [
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
          ],
        },
      },
    ],
    ["real_ip_header: X-Real-IP, real_ip_pos: -2", { clientaddress: { header: "X-Real-IP", position: -2 } }],
    ["path_prefix: /docker-auth/", { prefix: "/docker-auth/" }],
    ['path_prefix: ""', { addr: ":5001" }],
    ["hsts: yes", { headers: { "Strict-Transport-Security": ["max-age=63072000; includeSubDomains"] } }],
    ["net: unix", { net: "unix" }],
  ])("takes over %s", (extra, http) => {
    expect(configOf(server(extra))).toMatchObject({ http, tokenserver: { keys: { x5c: false, keyid: "thumbprint" } } });
  });

  it.each([
    ["tls_min_version: TLS11", "server.tls_min_version: is none of TLS12 and TLS13"],
    ["tls_min_version: TLS13, tls_cipher_suites: [0xc02f]", "server.tls_cipher_suites: suites can't be chosen"],
    ["tls_cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "server.tls_cipher_suites[0]: isn't offered"],
    ["tls_cipher_suites: [0x0005]", "server.tls_cipher_suites[0]: isn't offered"],
    ["tls_curve_preferences: [P224]", "server.tls_curve_preferences[0]: is none of"],
    ["path_prefix: auth", "server.path_prefix: must begin with a slash"],
    ["hsts: maybe", "server.hsts: must be true or false"],
    ["net: udp", "server.net: must be tcp or unix"],
  ])("refuses %s", (extra, message) => {
    expect(problemsOf(server(extra)).join("\n")).toContain(message);
  });

  it.each([
    ["host: auth.example.org, cache_dir: /cache", { hosts: ["auth.example.org"], cachefile: "/cache" }],
    ["cache_dir: /cache", "server.letsencrypt: host is missing"],
    ["host: auth.example.org", "server.letsencrypt: cache_dir is missing"],
  ])("has certificates of Let's Encrypt with %s", (options, expected) => {
    const letsencrypt = `letsencrypt: { email: a@example.org, ${options} }`;
    // docker_auth ignores it beside others.
    expect(convert(server(letsencrypt)).warnings[0]?.message).toContain("server.letsencrypt: has no effect");
    const alone = `
server: { addr: ":5001", ${letsencrypt} }
token: { issuer: a, expiration: 900, certificate: /c.pem, key: /k.pem }
${USERS}${ACL}`;
    if (typeof expected === "string") expect(problemsOf(alone)).toEqual([expect.stringContaining(expected)]);
    else {
      const http = configOf(alone)?.["http"];
      expect(http).toMatchObject({ tls: { letsencrypt: { email: "a@example.org", ...expected } } });
    }
  });

  it("ignores Let's Encrypt without an address, as docker_auth does", () => {
    const alone = `
server: { addr: ":5001", letsencrypt: { host: auth.example.org, cache_dir: /cache } }
token: { issuer: a, expiration: 900, certificate: /c.pem, key: /k.pem }
${USERS}${ACL}`;
    expect(configOf(alone)?.["http"]).not.toHaveProperty("tls");
  });
});

describe("a directory of a docker_auth file", () => {
  const ldap = (options: string) => {
    const config = configOf(`${BASE}${ACL}
ldap_auth: { base: o=example, filter: "(&(uid=\${account})(objectClass=person))", ${options} }`);
    const parsed = tokenServerSection.safeParse(config?.["tokenserver"]);
    return { section: config?.["tokenserver"], parsed };
  };

  it.each([
    ["addr: 'l.example:636'", { urls: ["ldaps://l.example:636"] }],
    ["addr: 'l.example:636', tls: none", { urls: ["ldap://l.example:636"], starttls: false }],
    ["addr: 'l.example:389', tls: starttls", { urls: ["ldap://l.example:389"], starttls: true }],
    ["addr: 'l.example:389', tls: always, ca_certificate: /ca.pem", { urls: ["ldaps://l.example:389"], ca: "/ca.pem" }],
    ["addr: 'l.example:636', insecure_tls_skip_verify: true, ca_certificate: /ca.pem", { insecureskipverify: true }],
    [
      "addr: 'l.example:636', bind_dn: cn=reader, bind_password_file: /password",
      { binddn: "cn=reader", bindpasswordfile: "/password" },
    ],
    [
      "addr: 'l.example:636', initial_bind_as_user: true, bind_dn: 'uid=${account},o=example', bind_password_file: /password",
      { userdn: "uid=${account},o=example" },
    ],
    [
      "addr: 'l.example:636', labels: { groups: { attribute: memberOf, parse_cn: true, lower_case: true } }",
      { labels: { groups: { attribute: "memberOf", parsecn: true, lowercase: true } } },
    ],
  ])("takes over %s", (options, expected) => {
    const { section, parsed } = ldap(options);
    expect(section).toMatchObject({ ldap: { accountcase: "typed", ...expected } });
    expect(parsed.error).toBeUndefined();
  });

  it("says where a fault of the options is in the file", () => {
    const { locate } = convert(`${BASE}${USERS}${ACL}ldap_auth:\n  addr: l.example:636\n  base: x\n  filter: y\n`);
    expect(locate(["tokenserver", "ldap", "filter"])).toEqual({ line: 9, place: ["ldap_auth", "filter"] });
    expect(locate(["tokenserver", "ldap", "binddn"])).toEqual({ line: 6, place: ["ldap_auth", "binddn"] });
    expect(locate(["access", 0, "match"])).toMatchObject({ line: 5, place: ["acl", 0, "match"] });
    expect(locate(["tokenserver", "keys", "key"])).toEqual({ line: 2, place: ["server", "key"] });
  });
});

describe("collections of a docker_auth file", () => {
  const mongo = (info: string) =>
    configOf(`${BASE}${ACL}mongo_auth: { dial_info: { database: auth, ${info} }, collection: users }`)?.["tokenserver"];

  it.each([
    ["addrs: [localhost]", { url: "mongodb://localhost/", database: "auth", connecttimeout: "10000ms" }],
    ["addrs: ['a:27017', b], enable_tls: true", { url: "mongodb://a:27017,b/?tls=true" }],
    ["addrs: [a], timeout: 3s, username: '', password_file: ''", { url: "mongodb://a/", connecttimeout: "3000ms" }],
    [
      "addrs: [a], username: u, password_file: /password",
      { url: "mongodb://a/?authSource=admin", username: "u", passwordfile: "/password" },
    ],
    ["addrs: [a], username: u, password: 'p@:/', source: x", { url: "mongodb://u:p%40%3A%2F@a/?authSource=x" }],
    ["addrs: [a], timeout: 10m", { connecttimeout: "60000ms" }],
  ])("takes over %s", (info, expected) => {
    const section = mongo(info);
    expect(section).toMatchObject({ mongodb: { collection: "users", labelpatterns: true, ...expected } });
    expect(tokenServerSection.safeParse(section).error).toBeUndefined();
  });
});

describe("people of a docker_auth file", () => {
  const people = (sections: string) => convert(`${BASE}users: { root: {}, "": {} }\n${ACL}${sections}`);
  const DATABASE = "level_token_db: { path: /tokens/people.ldb, token_hash_cost: 5 }";
  const CLIENT_OF = `client_id: "1223", client_secret_file: /secret, http_timeout: 10s, ${DATABASE}`;

  it("log in at the providers that it names, and can't become a user of the file", () => {
    const { config, problems, state, needsState } = people(`
google_auth: { domain: example.com, ${CLIENT_OF} }
github_auth: { organization: acme, github_web_uri: "https://gh.example", github_api_uri: "https://gh.example/api/v3", revalidate_after: 2h, registry_url: "localhost:5000", ${CLIENT_OF} }
oidc_auth: { issuer: "https://id.example", redirect_url: "https://auth.example/oidc_auth", user_claim: name, label_claims: [groups], ${CLIENT_OF} }
gitlab_auth: { gitlab_web_uri: "https://gitlab.example", revalidate_after: 1h, grant_type: authorization_code, redirect_uri: "https://auth.example/gitlab_auth", client_id: a, client_secret: b }
`);
    expect(problems).toEqual([]);
    expect({ state, needsState }).toEqual({ state: "/tokens/people.ldb.longshore", needsState: true });
    const section = config?.["tokenserver"];
    expect(section).toMatchObject({
      sources: ["personal", "local", "login"],
      login: {
        dockerauthpaths: true,
        reserved: ["root"],
        registry: "localhost:5000",
        revalidate: "3600000ms",
        google: { clientid: "1223", clientsecretfile: "/secret", domains: ["example.com"] },
        github: {
          organizations: ["acme"],
          prefix: "",
          weburi: "https://gh.example",
          apiuri: "https://gh.example/api/v3",
        },
        openid: {
          issuer: "https://id.example",
          scopes: ["openid", "email"],
          account: "${name}",
          labels: { groups: ["${groups}"] },
        },
        gitlab: { clientid: "a", clientsecret: "b", weburi: "https://gitlab.example" },
      },
    });
    expect(tokenServerSection.safeParse(section).error).toBeUndefined();
  });

  it.each([
    [`google_auth: { ${CLIENT_OF} }`, "google_auth: domain is missing: everybody can have a Google account"],
    [`github_auth: { ${CLIENT_OF} }`, "github_auth: organization is missing: everybody can have a GitHub account"],
    ["github_auth: { organization: a, client_id: b }", "github_auth: client_secret or client_secret_file is missing"],
    [`gitlab_auth: { organization: a, ${CLIENT_OF} }`, "gitlab_auth.organization: isn't looked at by docker_auth"],
    [
      `oidc_auth: { issuer: a, redirect_url: "https://a/b", ${CLIENT_OF} }`,
      "oidc_auth.redirect_url: must end with /oidc_auth",
    ],
    [`oidc_auth: { redirect_url: "https://a/oidc_auth", ${CLIENT_OF} }`, "oidc_auth.issuer: missing"],
  ])("are refused where everybody or nobody could be meant: %s", (section, message) => {
    expect(
      people(section)
        .problems.map((each) => each.message)
        .join("\n"),
    ).toContain(message);
  });

  it("are told what to change at the provider", () => {
    const { warnings } = people(`google_auth: { domain: a, ${CLIENT_OF.replace("10s", "3s")} }`);
    expect(warnings.map(({ message }) => message)).toEqual([
      "google_auth.http_timeout: has no effect: providers are asked within 10 seconds",
      expect.stringContaining("redirect URIs at Google") as string,
    ]);
    expect(
      people(`gitlab_auth: { redis_token_db: { redis_options: { addr: a } }, client_id: a, client_secret: b }`),
    ).toMatchObject({
      warnings: [{ message: expect.stringContaining("the scopes openid, profile and email") as string }],
      needsState: true,
      state: undefined,
    });
  });
});

describe("what can't be taken over is refused by name", () => {
  it.each([
    ["usres: {}", "usres: unknown key"],
    ["casbin_authz: { model_path: a }", "casbin_authz: policies of casbin aren't supported"],
    ["plugin_authn: { plugin_path: a }", "plugin_authn: plugins compiled for Go can't be loaded; use a program"],
    ["plugin_authz: { plugin_path: a }", "plugin_authz: plugins compiled for Go can't be loaded; use a program"],
    ["xorm_auth: { database_type: mysql }", "xorm_auth: databases of xorm aren't supported"],
    ["acl_xorm: { database_type: mysql }", "acl_xorm: databases of xorm aren't supported"],
    ["users: { a: { pasword: x } }", "users.a.pasword: unknown key"],
    ["acl: [{ match: { team: x }, actions: [pull] }]", "acl[0].match.team: unknown key"],
    ["acl: [{ actions: [pull] }]", "acl[0]: has no match"],
    ["acl: [{ match: {} }]", "acl[0]: has no actions"],
    ["acl: [{ match: { ip: 10.0.0.0.0 }, actions: [] }]", "acl[0].match.ip: must be an IP address"],
    ["acl: [{ match: { name: '/(/' }, actions: [] }]", "acl[0].match.name: "],
    ["acl: [{ match: { name: 'a[' }, actions: [] }]", "acl[0].match.name: malformed pattern"],
    ["acl: { a: b }", "acl: must be a list of rules"],
    ["mongo_auth: { dial_info: { database: a }, collection: b }", "mongo_auth.dial_info.addrs: missing"],
    ["ldap_auth: { addr: nohost, base: a, filter: '(uid=${account})' }", "ldap_auth.addr: must be host:port"],
    ["ext_auth: { args: [] }", "ext_auth.command: missing"],
  ])("%s", (line, message) => {
    const { config, problems } = convert(
      `${BASE}${line}\n${USERS.replace("users", line.startsWith("users") ? "#" : "users")}`,
    );
    expect(config).toBeUndefined();
    expect(problems.map((each) => each.message).join("\n")).toContain(message);
    expect(problems.find((each) => each.message.startsWith(message))?.line).toBe(4);
  });

  it("and so is a file without anybody who could log in, without rules, or without a key", () => {
    expect(problemsOf(BASE)).toEqual(["users: missing; no one could log in", "acl: missing; no one could do anything"]);
    const keyless = BASE.replace("certificate: /c.pem, key: /k.pem", "hsts: false");
    expect(problemsOf(`${keyless}${USERS}${ACL}`)).toEqual([
      "token: certificate and key are missing; the key signs the tokens",
    ]);
    const half = BASE.replace(", key: /k.pem", "");
    expect(problemsOf(`${half}${USERS}${ACL}`)).toContain("server: certificate and key go together");
  });
});

describe("the YAML of a docker_auth file", () => {
  it("must be YAML, without saying what stands there", () => {
    expect(convert("a: [secret").problems).toEqual([{ line: 1, message: "it is no valid YAML" }]);
  });

  it("may have empty keys that are given again, as the examples do, and no others", () => {
    const ldap = (first: string) =>
      `${BASE}${ACL}ldap_auth:\n  bind_dn:${first}\n  addr: l.example:636\n  bind_dn: cn=reader\n  bind_password_file: /p\n  base: a\n  filter: (uid=\${account})\n`;
    expect(configOf(ldap(""))).toMatchObject({ tokenserver: { ldap: { binddn: "cn=reader" } } });
    expect(convert(ldap(" cn=other")).problems).toEqual([
      { line: 6, message: "bind_dn: given more than once; remove all but one" },
    ]);
  });

  it("has texts as they are written, and merge keys", () => {
    const config = configOf(`
server: { addr: ":5001", certificate: /c.pem, key: /k.pem }
token: { issuer: 007, expiration: 0x384 }
users: { on: {}, 1: {} }
acl:
  - { match: &one { account: on }, actions: [pull] }
  - { match: { <<: *one, name: 0x1 }, actions: [push] }
`);
    expect(config).toMatchObject({
      access: [{}, { match: { account: "on", name: "0x1" }, actions: ["push"] }],
      tokenserver: { service: "007", lifetime: "900s", local: { users: { on: {}, 1: {} } } },
    });
  });

  it("can't grow beyond bounds by aliases", () => {
    const lines = Array.from(
      { length: 12 },
      (_, n) =>
        `a${n}: &a${n} [${Array(9)
          .fill(n === 0 ? "x" : `*a${n - 1}`)
          .join(", ")}]`,
    );
    expect(convert(lines.join("\n")).problems).toEqual([{ line: 1, message: "it has too many aliases" }]);
  });
});
