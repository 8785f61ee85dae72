import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overlayEnvironment } from "../../src/config/environment.js";
import { plain } from "../../src/config/interpret.js";
import { root } from "../../src/config/schema/root.js";
import { parseYaml } from "../../src/config/yaml/parse.js";
import { checkOptions, configOf, errorsOf, MINIMAL, warningsOf } from "./support.js";

const REGISTRY_2 = `version: 0.1
log: {fields: {service: registry}}
storage:
  cache: {blobdescriptor: inmemory}
  filesystem: {rootdirectory: /var/lib/registry}
http:
  addr: :5000
  headers: {X-Content-Type-Options: [nosniff]}
health:
  storagedriver: {enabled: true, interval: 10s, threshold: 3}
`;

/** The tree that a text and variables make, before the schema looks at it. */
function overlaid(text: string, environment: Record<string, string>): unknown {
  const { node } = parseYaml(text, { file: "f" });
  if (node?.kind !== "map") throw new Error("not a map");
  overlayEnvironment(node, root, environment);
  return plain(node);
}

describe("the environment over the file (wire contract §3.2)", () => {
  it("sets fields by their names in Go, values being YAML", () => {
    const config = configOf(REGISTRY_2, {
      REGISTRY_HTTP_ADDR: ":5001",
      REGISTRY_HTTP_RELATIVEURLS: "yes",
      REGISTRY_HTTP_DRAINTIMEOUT: "30s",
      REGISTRY_HTTP_SECRET: "0123",
      REGISTRY_LOG_LEVEL: "DEBUG",
      REGISTRY_LOG_ACCESSLOG_DISABLED: "on",
      REGISTRY_LOG_FIELDS_SITE: "7",
      REGISTRY_CATALOG_MAXENTRIES: "0x10",
    });
    expect(config.http).toMatchObject({ addr: ":5001", relativeurls: true, draintimeout: 30_000 });
    expect(config.http.secret?.reveal()).toBe("0123");
    expect(config.log).toMatchObject({
      level: "debug",
      accesslog: { disabled: true },
      fields: { service: "registry", site: 7 },
    });
    expect(config.catalog.maxentries).toBe(16);
  });

  it("applies variables in the order of their names, so that a whole comes before its parts", () => {
    const { http } = configOf(REGISTRY_2, {
      REGISTRY_HTTP_NET: "tcp",
      REGISTRY_HTTP: '{addr: ":5001"}',
      REGISTRY_HTTP_PREFIX: "/r/",
    });
    expect(http).toMatchObject({ addr: ":5001", prefix: "/r/", headers: {} });
  });

  it("is for upper case only, and doesn't take the path of the file for a key", () => {
    const environment = {
      registry_http_addr: ":1",
      REGISTRYHTTP_ADDR: ":2",
      REGISTRY_CONFIGURATION_PATH: "/c.yml",
      REGISTRY: "x",
    };
    expect(configOf(REGISTRY_2, environment).http.addr).toBe(":5000");
    expect(warningsOf(REGISTRY_2, environment)).toEqual([]);
  });

  it("adds header names in lower case, beside those of the file", () => {
    const { headers } = configOf(REGISTRY_2, {
      "REGISTRY_HTTP_HEADERS_X-FOO": "[bar]",
      "REGISTRY_HTTP_HEADERS_X-CONTENT-TYPE-OPTIONS": "[other]",
    }).http;
    expect(headers).toEqual({
      "X-Content-Type-Options": ["nosniff"],
      "x-foo": ["bar"],
      "x-content-type-options": ["other"],
    });
  });

  it.each([
    ["REGISTRY_HEALTH_FILECHECKERS_0_FILE", "/tmp/down", "file", "file"],
    ["REGISTRY_HEALTH_HTTPCHECKERS_0_URI", "https://a.example/", "http", "uri"],
    ["REGISTRY_HEALTH_TCPCHECKERS_0_ADDR", "db.example:5432", "tcp", "addr"],
  ] as const)("knows Go's name %s", (name, value, list, key) => {
    expect(checkOptions(configOf(REGISTRY_2, { [name]: value }), list)).toEqual([
      expect.objectContaining({ [key]: value, interval: 10_000 }),
    ]);
  });

  it.each([
    [
      "REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES",
      "true",
      { notifications: { events: { includereferences: true } } },
    ],
    [
      "REGISTRY_LOG_HOOKS_0_MAILOPTIONS_SMTP_ADDR",
      "m:25",
      { log: { hooks: [{ options: { smtp: { addr: "m:25" } } }] } },
    ],
    ["REGISTRY_REDIS_POOLSIZE", "5", { redis: { poolsize: 5 } }],
    ["REGISTRY_REDIS_OPTIONS_POOLSIZE", "5", { redis: { poolsize: 5 } }],
    ["REGISTRY_MIDDLEWARE_STORAGE_0_NAME", "redirect", { middleware: { storage: [{ name: "redirect" }] } }],
  ])("knows Go's name %s", (name, value, expected) =>
    expect(overlaid("version: 0.1", { [name]: value })).toMatchObject(expected),
  );

  it("warns about unknown keys, with a suggestion", () => {
    expect(
      warningsOf(REGISTRY_2, {
        REGISTRY_HTTP_RELATIVEURL: "true",
        REGISTRY_PORT_5000_TCP: "5000",
        REGISTRY_: "x",
        REGISTRY_HTTP_: "x",
      }),
    ).toEqual([
      "environment variable REGISTRY_: Ignoring unrecognized environment variable REGISTRY_",
      "environment variable REGISTRY_HTTP_: http: Ignoring unrecognized environment variable REGISTRY_HTTP_",
      "environment variable REGISTRY_HTTP_RELATIVEURL: http: Ignoring unrecognized environment variable REGISTRY_HTTP_RELATIVEURL; did you mean REGISTRY_HTTP_RELATIVEURLS?",
      "environment variable REGISTRY_PORT_5000_TCP: Ignoring unrecognized environment variable REGISTRY_PORT_5000_TCP",
    ]);
  });

  it("doesn't ignore a setting that may be meant to protect the registry", () => {
    expect(errorsOf(REGISTRY_2, { REGISTRY_AUHT: "htpasswd" })).toEqual([
      "environment variable REGISTRY_AUHT: unrecognized; it may be meant to protect the registry, so it isn't ignored; did you mean REGISTRY_AUTH?",
    ]);
    const open = /would disable the authentication in the file/;
    const silly = `${REGISTRY_2}auth: {silly: {realm: r, service: s}}\n`;
    expect(errorsOf(silly, { REGISTRY_AUTH: "{}" })[0]).toMatch(open);
    expect(errorsOf(`${REGISTRY_2}auth: {silly: }\n`)[0]).toMatch(/auth\.silly\.realm: missing \(required\)/);
    expect(errorsOf(silly, { REGISTRY_AUTH_SILLY: "" })[0]).toMatch(/auth\.silly\.realm: missing \(required\)/);
    expect(errorsOf(`${REGISTRY_2}auth: {silly: {realm: r, service: s}}\n`, { REGISTRY_AUTH: "" })[0]).toMatch(
      /set REGISTRY_AUTH=none/,
    );
    expect(errorsOf(REGISTRY_2, { REGISTRY_AUTH_SILLY_REALN: "r" }).join()).toMatch(
      /auth\.silly\.realn: unknown key.*did you mean auth\.silly\.realm/,
    );
  });

  it("reports which variable has a bad value", () => {
    expect(errorsOf(REGISTRY_2, { REGISTRY_HTTP_DRAINTIMEOUT: "5x" })[0]).toMatch(
      /^environment variable REGISTRY_HTTP_DRAINTIMEOUT: http\.draintimeout: found "5x"; expected a duration/,
    );
    expect(errorsOf(REGISTRY_2, { REGISTRY_HTTP_HEADERS: "*hunter2" })[0]).toMatch(
      /^environment variable REGISTRY_HTTP_HEADERS: http\.headers: not valid YAML: /,
    );
  });

  it("doesn't set keys below a single value", () => {
    const environment = { REGISTRY_HTTP_ADDR_X: "1", REGISTRY_LOG_FIELDS_SERVICE_NAME: "1" };
    expect(warningsOf(REGISTRY_2, environment)).toEqual([
      expect.stringMatching(/^environment variable REGISTRY_HTTP_ADDR_X: http\.addr: ignored: /),
      expect.stringMatching(/^environment variable REGISTRY_LOG_FIELDS_SERVICE_NAME: log\.fields\.service: ignored: /),
    ]);
    expect(configOf(REGISTRY_2, environment).http.addr).toBe(":5000");
  });
});

describe("maps", () => {
  it("reuses an existing key in any case, and adds a new one in lower case", () => {
    const text = "version: 0.1\nlog: {fields: {Site: {name: a}}}\n";
    expect(overlaid(text, { REGISTRY_LOG_FIELDS_SITE_NAME: "b" })).toMatchObject({
      log: { fields: { Site: { name: "b" } } },
    });
    expect(overlaid(text, { REGISTRY_LOG_FIELDS_SITE: "b" })).toEqual({
      version: 0.1,
      log: { fields: { Site: { name: "a" }, site: "b" } },
    });
  });
});

describe("lists by index", () => {
  it("appends after the last entry, and replaces one", () => {
    const text = `${MINIMAL}http: {tls: {letsencrypt: {hosts: [a]}}}\n`;
    expect(
      overlaid(text, { REGISTRY_HTTP_TLS_LETSENCRYPT_HOSTS_0: "b", REGISTRY_HTTP_TLS_LETSENCRYPT_HOSTS_1: "c" }),
    ).toMatchObject({
      http: { tls: { letsencrypt: { hosts: ["b", "c"] } } },
    });
  });

  it.each([
    ["X", /non-numeric index: X/],
    ["1", /undefined index: 1/],
    ["-1", /non-numeric index: -1/],
  ])("refuses index %s", (index, expected) =>
    expect(errorsOf(MINIMAL, { [`REGISTRY_HEALTH_FILECHECKERS_${index}_FILE`]: "/x" })[0]).toMatch(expected),
  );
});

describe("switching the storage (wire contract §3.2)", () => {
  it("REGISTRY_STORAGE replaces the whole section", () => {
    const { storage } = configOf(REGISTRY_2, { REGISTRY_STORAGE: "inmemory" });
    expect(storage).toMatchObject({ type: "inmemory", cache: { blobdescriptor: undefined } });
  });

  it("and its parts are merged in afterwards", () => {
    const { storage } = configOf(REGISTRY_2, {
      REGISTRY_STORAGE: "filesystem",
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/data",
    });
    expect(storage).toMatchObject({
      type: "filesystem",
      driver: { options: { rootdirectory: "/data", maxthreads: 100 } },
    });
  });

  it("a second driver beside the file's is an error that says what to set", () => {
    expect(errorsOf(REGISTRY_2, { REGISTRY_STORAGE_S3_BUCKET: "b" })[0]).toMatch(
      /^environment variable REGISTRY_STORAGE_S3_BUCKET: storage: multiple storage drivers specified.*\[filesystem s3\].*REGISTRY_STORAGE=s3/,
    );
    const { storage } = configOf(REGISTRY_2, {
      REGISTRY_STORAGE: "s3",
      REGISTRY_STORAGE_S3_BUCKET: "b",
      REGISTRY_STORAGE_S3_REGION: "eu-central-1",
    });
    expect(storage).toMatchObject({ type: "s3", driver: { options: { bucket: "b", region: "eu-central-1" } } });
  });

  it.each<[Record<string, string>, object]>([
    [{ REGISTRY_STORAGE_DELETE_ENABLED: "true" }, { delete: { enabled: true } }],
    [{ REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: "true" }, { maintenance: { readonly: { enabled: true } } }],
    [{ REGISTRY_STORAGE_MAINTENANCE_READONLY: '{"enabled":true}' }, { maintenance: { readonly: { enabled: true } } }],
    [
      { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_ENABLED: "false" },
      { maintenance: { uploadpurging: { enabled: false, age: 604_800_000 } } },
    ],
    [
      { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING: "{enabled: false}" },
      { maintenance: { uploadpurging: { enabled: false } } },
    ],
    [
      { REGISTRY_STORAGE_CACHE_BLOBDESCRIPTORSIZE: "5" },
      { cache: { blobdescriptor: "inmemory", blobdescriptorsize: 5 } },
    ],
    [
      { REGISTRY_STORAGE_FILESYSTEM_MAXTHREADS: "'50'" },
      { driver: { options: { maxthreads: 50, rootdirectory: "/var/lib/registry" } } },
    ],
  ])("%j does what its name says", (environment, expected) =>
    expect(configOf(REGISTRY_2, environment).storage).toMatchObject(expected),
  );

  it("reaches maps from the file, which Distribution can't", () => {
    const text = REGISTRY_2.replace(
      "  cache:",
      "  maintenance: {uploadpurging: {enabled: true, age: 1h, interval: 1h, dryrun: true}}\n  cache:",
    );
    const { uploadpurging } = configOf(text, { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE: "2h" }).storage
      .maintenance;
    expect(uploadpurging).toEqual({ enabled: true, age: 7_200_000, interval: 3_600_000, dryrun: true });
  });
});

describe("switching auth", () => {
  it("needs no REGISTRY_AUTH when the file has none", () => {
    const environment = { REGISTRY_AUTH_SILLY_REALM: "r", REGISTRY_AUTH_SILLY_SERVICE: "s" };
    const expected = { kind: "silly", options: { realm: "r", service: "s" } };
    expect(configOf(REGISTRY_2, environment).auth).toMatchObject(expected);
    expect(configOf(REGISTRY_2, { REGISTRY_AUTH: "silly", ...environment }).auth).toMatchObject(expected);
  });

  it("REGISTRY_AUTH=none switches it off", () => {
    expect(configOf(`${REGISTRY_2}auth: {silly: {realm: r, service: s}}\n`, { REGISTRY_AUTH: "none" }).auth.kind).toBe(
      "none",
    );
  });

  it("refuses a second kind", () => {
    const text = `${REGISTRY_2}auth: {silly: {realm: r, service: s}}\n`;
    expect(errorsOf(text, { REGISTRY_AUTH_HTPASSWD_REALM: "x" })[0]).toMatch(
      /must provide exactly one type\. Provided: \[silly htpasswd\].*REGISTRY_AUTH=htpasswd/,
    );
  });
});

describe("properties of the overlay", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);

  it("sets any path of an untyped map, and leaves every other value alone", () => {
    const path = fc.array(name, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(path, fc.integer(), fc.integer(), (parts, before, after) => {
        const [other, ...rest] = ["untouched0", ...parts];
        const nested = rest.reduceRight<unknown>((inner, part) => ({ [part]: inner, keep: 1 }), before);
        const text = JSON.stringify({ version: 0.1, log: { fields: { [other]: 5, x: nested } } });
        const variable = `REGISTRY_LOG_FIELDS_X_${rest.join("_").toUpperCase()}`;
        const expected = rest.reduceRight<unknown>((inner, part) => ({ keep: 1, [part]: inner }), after);
        fc.pre(!rest.includes("keep"));
        expect(overlaid(text, { [variable]: String(after) })).toEqual({
          version: 0.1,
          log: { fields: { [other]: 5, x: expected } },
        });
      }),
    );
  });

  it("doesn't depend on the order of the environment", () => {
    const variables = fc.uniqueArray(
      fc.tuple(
        fc.array(
          fc.constantFrom(
            "HTTP",
            "ADDR",
            "STORAGE",
            "DELETE",
            "ENABLED",
            "0",
            "HEALTH",
            "FILECHECKERS",
            "FILE",
            "LOG",
            "FIELDS",
            "A",
          ),
          { maxLength: 4 },
        ),
        fc.constantFrom("true", "x", "{a: 1}", "[b]", "", "filesystem"),
      ),
      { selector: ([parts]) => parts.join("_"), maxLength: 8 },
    );
    fc.assert(
      fc.property(variables, (list) => {
        const entries = list.map(([parts, value]): [string, string] => [["REGISTRY", ...parts].join("_"), value]);
        expect(overlaid(REGISTRY_2, Object.fromEntries(entries))).toEqual(
          overlaid(REGISTRY_2, Object.fromEntries([...entries].reverse())),
        );
      }),
    );
  });

  it("never throws, and never shows a value that may be secret", () => {
    const part = fc.constantFrom(
      "HTTP",
      "SECRET",
      "PROXY",
      "PASSWORD",
      "REDIS",
      "AUTH",
      "TOKEN",
      "STORAGE",
      "S3",
      "SECRETKEY",
      "0",
      "NOTIFICATIONS",
      "ENDPOINTS",
      "HEADERS",
      "x",
      "",
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("hunter2", "{a: hunter2}", "[hunter2]", "*hunter2", "'hunter2", "hunter2: hunter2: x"),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), value, (parts, text) => {
        const variable = ["REGISTRY_HTTP_SECRET", ...parts].join("_");
        expect(
          [...errorsOf(REGISTRY_2, { [variable]: text }), ...warningsOf(REGISTRY_2, { [variable]: text })].join(),
        ).not.toContain("hunter2");
        expect(() => errorsOf(REGISTRY_2, { [["REGISTRY", ...parts].join("_")]: text })).not.toThrow();
      }),
      { numRuns: 100 },
    );
  });
});
