import { describe, expect, it } from "vitest";
import { configOf, errorsOf, MINIMAL, warningsOf } from "./support.js";

const HTPASSWD = "auth: {htpasswd: {realm: r, path: /p}}\n";
const TOKEN = "realm: https://a/token, service: s, issuer: i";

describe("auth.htpasswd", () => {
  it("has Distribution's keys, and ours with their defaults", () => {
    expect(configOf(MINIMAL + HTPASSWD).auth).toMatchObject({
      kind: "htpasswd",
      options: {
        realm: "r",
        path: "/p",
        cachettl: 300_000,
        throttle: { disabled: false, attempts: 10, delay: 1000, maxdelay: 300_000 },
      },
    });
  });

  it("can come from the environment alone, as users of Distribution write it", () => {
    const environment = {
      REGISTRY_AUTH: "htpasswd",
      REGISTRY_AUTH_HTPASSWD_REALM: "Registry Realm",
      REGISTRY_AUTH_HTPASSWD_PATH: "/auth/htpasswd",
    };
    const { kind, options } = configOf(MINIMAL, environment).auth;
    expect(kind).toBe("htpasswd");
    expect(options).toMatchObject({ realm: "Registry Realm", path: "/auth/htpasswd" });
  });

  it.each([
    ["auth: htpasswd", /auth\.htpasswd\.realm: missing \(required\)/],
    ["auth: {htpasswd: {realm: r}}", /auth\.htpasswd\.path: missing \(required\)/],
    [
      "auth: {htpasswd: {realm: r, path: p, pth: q}}",
      /auth\.htpasswd\.pth: unknown key; in auth no key is ignored; did you mean/,
    ],
    ["auth: {htpasswd: {realm: r, path: p, throttle: {atempts: 3}}}", /auth\.htpasswd\.throttle\.atempts: unknown key/],
    [
      "auth: {htpasswd: {realm: r, path: p, cachettl: long}}",
      /auth\.htpasswd\.cachettl: found "long"; expected a duration/,
    ],
  ])("%s is refused with its line", (text, expected) => {
    expect(errorsOf(`${MINIMAL}${text}\n`)[0]).toMatch(/^config\.yml:4: /);
    expect(errorsOf(`${MINIMAL}${text}\n`)[0]).toMatch(expected);
  });
});

describe("auth.token", () => {
  it("has Distribution's keys", () => {
    const text = `${MINIMAL}auth: {token: {${TOKEN}, rootcertbundle: /b, jwks: /j, signingalgorithms: [RS256], autoredirect: true, autoredirectpath: /t}}\n`;
    expect(configOf(text).auth).toMatchObject({
      kind: "token",
      options: {
        realm: "https://a/token",
        service: "s",
        issuer: "i",
        rootcertbundle: "/b",
        jwks: "/j",
        signingalgorithms: ["RS256"],
        autoredirect: true,
        autoredirectpath: "/t",
      },
    });
  });

  it.each([
    [`auth: {token: {${TOKEN}}}`, /auth\.token\.rootcertbundle: token auth requires at least one token signing key/],
    [
      `auth: {token: {${TOKEN}, jwks: /j, signingalgorithms: [HS256]}}`,
      /auth\.token\.signingalgorithms\[0\]: HS256 is not supported/,
    ],
    [`auth: {token: {${TOKEN}, jwks: /j, signingalgorithms: [none]}}`, /"none" would let anyone in/],
    [`auth: {token: {${TOKEN}, jwks: "ftp://h/j"}}`, /auth\.token\.jwks: only http and https URLs/],
    [`auth: {token: {realm: r, service: s, jwks: /j}}`, /auth\.token\.issuer: missing \(required\)/],
    [`auth: {token: {${TOKEN}, jwks: /j, jkws: /j}}`, /auth\.token\.jkws: unknown key.*did you mean/],
    [`auth: {token: {${TOKEN}, jwks: /j}, htpasswd: {realm: r, path: p}}`, /must provide exactly one type/],
    [`auth: {token: {${TOKEN}, jwks: /j}, mtls: {}}`, /must provide exactly one type/],
  ])("%s", (text, expected) => {
    expect(errorsOf(`${MINIMAL}${text}\n`).join("\n")).toMatch(expected);
  });
});

describe("auth.mtls", () => {
  const tls = (more: string) => `http: {tls: {certificate: c, key: k${more}}}\n`;

  it("works alone or beside htpasswd", () => {
    expect(configOf(`${MINIMAL}auth: {mtls: {account: DNS}}\n${tls(", clientcas: [ca]")}`).auth).toMatchObject({
      kind: "mtls",
      options: { account: "dns" },
    });
    const both = configOf(
      `${MINIMAL}auth: {htpasswd: {realm: r, path: p}, mtls: {}}\n${tls(", clientcas: [ca]")}`,
    ).auth;
    expect(both.sections.map(({ kind }) => kind)).toEqual(["htpasswd", "mtls"]);
    expect(both.usesCertificates).toBe(true);
  });

  it.each([
    [tls(""), /auth\.mtls: needs http\.tls\.clientcas/],
    [
      tls(", clientcas: [ca], clientauth: request-client-cert"),
      /http\.tls\.clientauth: found request-client-cert; auth\.mtls needs verify/,
    ],
    [tls(", clientcas: [ca], clientauth: require-any-client-cert"), /an unverified certificate proves nothing/],
  ])("needs certificates that somebody verified: %s", (text, expected) => {
    expect(errorsOf(`${MINIMAL}auth: {mtls: {account: cn}}\n${text}`).join("\n")).toMatch(expected);
  });
});

describe("access", () => {
  const rules = (text: string, auth = HTPASSWD) => `${MINIMAL}${auth}access:\n${text}`;

  it("accepts both forms as written", () => {
    const text = rules(
      "  - {name: 123, type: repository, action: [pull]}\n" +
        "  - match: {account: alice, labels: {team: a*}}\n    actions: ['*']\n    comment: why\n",
    );
    expect(configOf(text).access).toEqual([
      { name: "123", type: "repository", action: ["pull"] },
      { match: { account: "alice", labels: { team: "a*" } }, actions: ["*"], comment: "why" },
    ]);
  });

  it("can come from the environment", () => {
    const environment = { REGISTRY_ACCESS: "[{name: anonymous, type: repository, action: [pull]}]" };
    expect(configOf(MINIMAL + HTPASSWD, environment).access).toEqual([
      { name: "anonymous", type: "repository", action: ["pull"] },
    ]);
  });

  it.each([
    [
      "  - {match: {acount: alice}, actions: [pull]}\n",
      /^config\.yml:6: access\[0\]\.match\.acount: unknown key; in access no key is ignored; did you mean/,
    ],
    ["  - {match: {team: a}, actions: [pull]}\n", /access\[0\]\.match\.team: unknown key/],
    [
      "  - {name: a, type: repository, action: [pull]}\n  - {match: {name: '/(/'}, actions: [pull]}\n",
      /^config\.yml:7: access\[1\]\.match\.name: /,
    ],
    ["  - {match: {name: '[a'}, actions: [pull]}\n", /access\[0\]\.match\.name: /],
    ["  - {match: {ip: 10.0.0.0/40}, actions: [pull]}\n", /access\[0\]\.match\.ip: /],
    ["  - {match: {}}\n", /access\[0\]: has no actions/],
    ["  - {actions: [pull]}\n", /access\[0\]: has no match/],
    ["  - {name: a, type: repositories, action: [pull]}\n", /access\[0\]\.type: must be registry or repository/],
    ["  - {name: a, type: repository, action: [pul]}\n", /access\[0\]\.action/],
    ["  - just text\n", /access\[0\]: found "just text"; expected a map/],
  ])("a rule that can't be understood stops the start, with its line: %s", (text, expected) => {
    expect(errorsOf(rules(text))).toHaveLength(1);
    expect(errorsOf(rules(text))[0]).toMatch(expected);
  });

  it("names every rule that is wrong", () => {
    const wrong = "  - {match: {name: '/(/'}, actions: []}\n".repeat(3);
    expect(errorsOf(rules(wrong))).toHaveLength(3);
  });

  it.each([
    [`${MINIMAL}${HTPASSWD}access: []\n`, /access: empty; add rules, or remove the section if/],
    [`${MINIMAL}${HTPASSWD}access:\n`, /access: empty; add rules, or remove the section if/],
    [
      `${MINIMAL}access: [{name: a, type: repository, action: [pull]}]\n`,
      /access: rules have no effect here: clients aren't identified/,
    ],
    [
      `${MINIMAL}auth: {token: {${TOKEN}, jwks: /j}}\naccess: [{name: a, type: repository, action: [pull]}]\n`,
      /with auth\.token the authorization server decides/,
    ],
    [
      `${MINIMAL}auth: {htpasswd: {realm: r, path: p}, access: []}\n`,
      /auth\.access: unknown key; in auth no key is ignored; did you mean access\?/,
    ],
    [
      `${MINIMAL}${HTPASSWD}http: {access: [{name: a, type: repository, action: [pull]}]}\n`,
      /http\.access: unknown key; it may be meant to protect the registry.*did you mean access\?/,
    ],
    [`${MINIMAL}${HTPASSWD}auth:\n`, /^config\.yml:5: auth: given more than once; remove all but one/],
    [
      `${MINIMAL}${HTPASSWD}access:\n  - {match: {account: a, account: b}, actions: [pull]}\n`,
      /access\[0\]\.match\.account: given more than once/,
    ],
    [`${MINIMAL}${HTPASSWD}access: {rules: []}\n`, /access: found a map; expected a list of rules/],
  ])("is refused where it would protect nothing: %s", (text, expected) => {
    expect(errorsOf(text).join("\n")).toMatch(expected);
  });
});

describe("rules that anonymous users get with another one", () => {
  const config = (rules: string) => `${MINIMAL}${HTPASSWD}access:\n${rules}`;
  const openedIn = (text: string) =>
    warningsOf(text).filter((line) => line.includes("also applies to anonymous users"));
  const ANONYMOUS = "  - {name: anonymous, type: repository, repository: public/*, action: [pull]}\n";

  it.each(["{name: internal/*}", "{account: '*', name: internal/*}", "{account: '/alice|^$/'}"])(
    "are named: %s",
    (match) => {
      const rule = `  - {match: ${match}, actions: [pull]}\n`;
      expect(openedIn(config(rule + ANONYMOUS))).toEqual([
        expect.stringMatching(/:6: access\[0\]: also applies to anonymous users/),
      ]);
      expect(warningsOf(config(rule))).toEqual([]);
    },
  );

  it.each([
    "{match: {account: '/^.+$/'}, actions: [pull]}",
    "{match: {account: alice}, actions: [pull]}",
    "{match: {account: ''}, actions: [pull]}",
    "{match: {}, actions: []}",
    "{match: {labels: {team: a}}, actions: [pull]}",
    "{name: '*', type: repository, action: [pull]}",
  ])("aren't %s", (rule) => {
    expect(openedIn(config(`${ANONYMOUS}  - ${rule}\n`))).toEqual([]);
  });
});

describe("users with fewer permissions than anonymous clients", () => {
  const warnings = (rules: string) => warningsOf(`${MINIMAL}${HTPASSWD}access:\n${rules}`);

  it.each([
    [
      "{match: {account: '', name: public/*}, actions: [pull]}",
      /:6: access\[0\]: grants pull of repository public\/\w+ without a login, but not to a user who has logged in, such as somebody/,
    ],
    ["{match: {account: '', type: registry}, actions: ['*']}", /grants \* of registry catalog without/],
    [
      "{match: {account: alice, name: open/*}, actions: []}\n  - {name: anonymous, type: repository, repository: open/*, action: [pull]}",
      /:7: access\[1\]: grants pull of repository open\/x .* such as alice/,
    ],
  ])("are named: %s", (rules, expected) => {
    expect(warnings(`  - ${rules}\n`)).toEqual([expect.stringMatching(expected)]);
  });

  it.each([
    "{name: anonymous, type: repository, repository: public/*, action: [pull]}",
    "{name: anonymous, type: registry, action: [pull]}\n  - {name: admin, type: registry, action: ['*']}",
    "{match: {account: '', name: public/*}, actions: [pull]}\n  - {match: {account: '/^.+$/'}, actions: [pull]}",
    "{match: {account: admin}, actions: ['*']}\n  - {match: {account: '/^.+$/'}, actions: [pull]}\n  - {match: {account: ''}, actions: [pull]}",
  ])("aren't found in %s", (rules) => {
    expect(warnings(`  - ${rules}\n`)).toEqual([]);
  });
});

describe("http.secret", () => {
  const config = (secret: string, account: string) =>
    `${MINIMAL}${HTPASSWD}access: [{name: ${account}, type: repository, action: [pull]}]\nhttp: {secret: "${secret}"}\n`;

  it.each(["short", "fifteen letters", "asecretforlocaldevelopment"])(
    "is refused where tokens are signed with what can be guessed: %s",
    (secret) => {
      expect(errorsOf(config(secret, "anonymous"))).toEqual([
        expect.stringMatching(/:6: http\.secret: too easy to guess/),
      ]);
      expect(errorsOf(config(secret, "anonymous")).join()).not.toContain(secret);
      expect(errorsOf(config(secret, "alice"))).toEqual([]);
      expect(errorsOf(`${MINIMAL}http: {secret: "${secret}"}\n`)).toEqual([]);
    },
  );

  it.each(["", "sixteen letters."])("may be %j", (secret) => {
    expect(errorsOf(config(secret, "anonymous"))).toEqual([]);
  });
});

describe("http.cors", () => {
  it("has defaults that let pages use the API", () => {
    expect(configOf(`${MINIMAL}http: {cors: {origins: ["https://ui.example"]}}\n`).http.cors).toMatchObject({
      origins: ["https://ui.example"],
      methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
      maxage: 600_000,
      credentials: false,
    });
    expect(configOf(`${MINIMAL}http: {cors: {}}\n`).http.cors).toBeUndefined();
  });

  it.each([
    ['{origins: ["*"], credentials: true}', /http\.cors\.credentials: not with origins: \["\*"\]/],
    ['{origins: ["https://ui.example/path"]}', /http\.cors\.origins\[0\]: found .*expected an origin such as/],
    ['{origins: ["ui.example"]}', /http\.cors\.origins\[0\]/],
    ['{origins: ["*"], methods: ["GET POST"]}', /http\.cors\.methods\[0\]/],
  ])("%s", (text, expected) => {
    expect(errorsOf(`${MINIMAL}http: {cors: ${text}}\n`).join("\n")).toMatch(expected);
  });
});

describe("log.audit, catalog.filter and http.trustedproxies", () => {
  it("are off, on, and limited", () => {
    const { log, catalog, http } = configOf(MINIMAL);
    expect([log.audit, catalog.filter, http.trustedproxies]).toEqual([undefined, true, []]);
  });

  it("can be set", () => {
    const text = `${MINIMAL}log: {audit: {target: stdout, pulls: false}}\nhttp: {trustedproxies: [10.0.0.0/8, unix]}\ncatalog: {filter: false}\n`;
    const { log, catalog, http } = configOf(text);
    expect([log.audit, catalog.filter, http.trustedproxies]).toEqual([
      { target: "stdout", pulls: false },
      false,
      ["10.0.0.0/8", "unix"],
    ]);
    expect(warningsOf(text)).toEqual([]);
    expect(errorsOf(`${MINIMAL}http: {trustedproxies: [proxy.example]}\n`)[0]).toMatch(/http\.trustedproxies\[0\]/);
  });
});

describe("rules that can never decide", () => {
  const TOKENSERVER = `${MINIMAL}tokenserver: {local: {users: {a: {anypassword: true, labels: {group: [x]}}}}}\n`;

  it.each([
    [
      "access: [{match: {name: a/*}, actions: [pull]}, {match: {name: a/b}, actions: [push]}]",
      /access\[1\]: never decides: rule 1 of the list, before it, matches everything/,
    ],
    [
      "access: [{match: {name: Team/*}, actions: [pull]}]",
      /access\[0\]\.match\.name: never matches: no repository has "T"/,
    ],
    [
      "access: [{match: {labels: {team: x}}, actions: [pull]}]",
      /match\.labels\.team: never matches: .* they give group/,
    ],
    ["access: [{match: {name: '${labels:team}/*'}, actions: [pull]}]", /match\.name: never matches: .* the label team/],
  ])("are warned of: %s", (rules, expected) => {
    expect(warningsOf(`${TOKENSERVER}${rules}\n`).join("\n")).toMatch(expected);
  });

  it("aren't warned of while a source may give the label", () => {
    const rules = "access: [{match: {labels: {team: x}}, actions: [pull]}]\n";
    const hook = TOKENSERVER.replace("{local:", "{hook: {url: 'https://auth.example'}, local:");
    expect(warningsOf(hook + rules).join("\n")).not.toContain("never matches");
    expect(warningsOf(`${MINIMAL}${HTPASSWD}${rules}`).join("\n")).not.toContain("never matches");
  });

  it("are warned of in roles, too", () => {
    const roles = (grants: string) => TOKENSERVER.replace("{local:", `{roles: {grants: [${grants}]}, local:`);
    const warnings = warningsOf(roles("{role: reader, groups: [dev], repositories: [Team/*, ok]}")).join("\n");
    expect(warnings).toMatch(/roles\.grants\[0\]\.repositories\[0\]: never matches: no repository has "T"/);
    expect(warnings).toMatch(/roles\.grants\[0\]\.groups: no source of identities gives the label groups/);
    expect(warnings).not.toContain("repositories[1]");
  });
});
