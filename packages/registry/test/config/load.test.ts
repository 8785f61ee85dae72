import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.js";
import { checkOptions, configOf, errorsOf, load, messages, MINIMAL, valuesOf, warningsOf } from "./support.js";

describe("defaults", () => {
  it("are filled in", () => {
    expect(valuesOf(configOf(MINIMAL))).toEqual({
      version: "0.1",
      log: {
        level: "info",
        formatter: "text",
        fields: {},
        accesslog: { disabled: false },
        reportcaller: false,
        audit: undefined,
      },
      storage: {
        type: "inmemory",
        driver: { kind: "inmemory", identity: "inmemory", isShared: false, options: {}, remarks: [] },
        delete: { enabled: false },
        redirect: { disable: false, clients: [] },
        cache: {
          blobdescriptor: undefined,
          blobdescriptorsize: 10_000,
          manifestbytes: 67_108_864,
          sharedmanifestsize: 65_536,
        },
        maintenance: {
          uploadpurging: { enabled: true, age: 604_800_000, interval: 86_400_000, dryrun: false },
          readonly: { enabled: false },
          gc: {
            enabled: false,
            interval: 86_400_000,
            graceperiod: 3_600_000,
            dryrun: false,
            deleteuntagged: { enabled: false, age: 86_400_000 },
          },
          scrub: {
            enabled: false,
            interval: 604_800_000,
            rate: 52_428_800,
            quarantine: false,
            repair: false,
          },
        },
        tag: { concurrencylimit: 4 },
      },
      middleware: { storage: [] },
      auth: {
        ...{ kind: "none", section: "auth", options: {}, withoutRules: "clients aren't identified", remarks: [] },
        sections: [
          { kind: "none", role: "controller", options: {}, withoutRules: "clients aren't identified", remarks: [] },
        ],
        usesCertificates: false,
      },
      access: undefined,
      http: {
        addr: ":0",
        net: "tcp",
        host: undefined,
        prefix: "/",
        secret: undefined,
        relativeurls: false,
        draintimeout: 0,
        headers: {},
        tls: undefined,
        debug: { addr: undefined, prometheus: { enabled: false, path: "/metrics" } },
        http2: { disabled: true },
        h2c: { enabled: false },
        workers: 1,
        limits: {
          headersize: 65_536,
          manifestsize: 4_194_304,
          manifestmemory: 67_108_864,
          manifesttimeout: 60_000,
          headertimeout: 60_000,
          idletimeout: 120_000,
          bodyidletimeout: 120_000,
          connections: 20_000,
          uploads: 10_000,
        },
        cors: undefined,
        clientaddress: { position: 0 },
        trustedproxies: [],
      },
      activity: { enabled: true, events: 1000, streams: 100 },
      console: { enabled: true, path: "/", sessionlifetime: 12 * 60 * 60 * 1000 },
      health: {
        gate: "probes",
        checks: [
          {
            path: ["health", "storagedriver"],
            check: {
              kind: "storagedriver",
              options: { enabled: false, interval: 10_000, threshold: 1, successthreshold: 1 },
              remarks: [],
            },
          },
        ],
      },
      catalog: { maxentries: 1000, filter: true },
      inventory: {
        enabled: true,
        cachebytes: 67_108_864,
        activityinterval: 300_000,
        activityitems: 50_000,
        layerlists: 268_435_456,
        historydays: 365,
        metricsinterval: 0,
      },
      tags: { maxtags: 1000 },
      validation: {
        disabled: false,
        manifests: { urls: { allow: [], deny: [] }, indexes: { platforms: "all", platformlist: [] } },
      },
      policy: {
        immutable: [],
        quota: [],
        ratelimit: { rules: [], maxclients: 100_000, ipv4prefix: 32, ipv6prefix: 64 },
        retention: {
          enabled: false,
          interval: 86_400_000,
          timeofday: undefined,
          dryrun: false,
          rules: [],
          untagged: [],
        },
        repository: { classes: undefined },
      },
      redis: undefined,
      notifications: {
        events: { includereferences: false },
        endpoints: [],
        disabled: [],
        outbox: { directory: undefined, maxbytes: 256 * 1024 * 1024, deadletterbytes: 64 * 1024 * 1024 },
      },
    });
  });

  it("depend on the machine and the storage", () => {
    const filesystem = "version: 0.1\nstorage: filesystem\n";
    expect(configOf(filesystem).http.workers).toBe(4);
    expect(configOf(filesystem).storage).toMatchObject({
      type: "filesystem",
      driver: { options: { maxthreads: 100 } },
    });
    expect(configOf(`${filesystem}http: {workers: 2}\n`).http.workers).toBe(2);
    const granted = (cores: number, memory?: number) =>
      loadConfig({ text: filesystem, file: "config.yml", environment: {}, machine: { cores, memory } }).config?.http
        .workers;
    expect([granted(1), granted(3), granted(64)]).toEqual([1, 3, 8]);
    expect([granted(64, 1024 ** 3), granted(64, 64 * 1024 ** 2)]).toEqual([4, 1]);
    expect(errorsOf(`${MINIMAL}http: {workers: 2}\n`)).toEqual([
      "config.yml:4: http.workers: found 2; expected 1 with storage.inmemory, because processes share no memory",
    ]);
  });

  it("stand in for empty sections and values", () => {
    const text =
      "version: '0.1'\nlog:\nstorage: {inmemory: , cache: , delete: {enabled: }}\nhttp: {addr: , headers: , tls: , prefix: '', host: ''}\nhealth:\n";
    expect(valuesOf(configOf(text))).toEqual(valuesOf(configOf(MINIMAL)));
  });

  it("are frozen all the way down", () => {
    const config = configOf(
      `${MINIMAL}http: {headers: {a: [b]}, secret: s}\nvalidation: {manifests: {urls: {allow: [x]}}}\n`,
    );
    const visit = (value: unknown) => {
      if (typeof value !== "object" || value === null || value instanceof RegExp || value === config.http.secret)
        return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(visit);
    };
    visit(config);
  });
});

describe("values", () => {
  it("a string takes any scalar as written", () => {
    const { http } = configOf(`${MINIMAL}http: {secret: 0123, headers: {X-A: [yes, 1.50]}}\n`);
    expect(http.secret?.reveal()).toBe("0123");
    expect(http.headers).toEqual({ "X-A": ["yes", "1.50"] });
  });

  it("a string parameter of the storage is taken as written", () => {
    expect(
      configOf("version: 0.1\nstorage: {filesystem: {rootdirectory: 0123}}\n").storage.driver.options,
    ).toMatchObject({
      rootdirectory: "0123",
    });
  });

  it.each([
    ["1500us", 2],
    ["1", 1],
    ["0", 0],
    ["2000000000", 2000],
  ])("the duration %s is %d whole milliseconds", (text, expected) => {
    expect(configOf(`${MINIMAL}http: {draintimeout: ${text}}\n`).http.draintimeout).toBe(expected);
  });

  it("words are read in any case, and log.level before loglevel", () => {
    expect(configOf(`${MINIMAL}log: {level: DEBUG}\nloglevel: error\n`).log.level).toBe("debug");
    expect(configOf(`${MINIMAL}log: {level: ""}\nloglevel: Warn\n`).log.level).toBe("warn");
  });

  it("limits of zero or less are the default or none", () => {
    expect(configOf(`${MINIMAL}catalog: {maxentries: -1}\ntags: {maxtags: 0}\n`)).toMatchObject({
      catalog: { maxentries: 1000 },
      tags: { maxtags: 1000 },
    });
    const text = "version: 0.1\nstorage: {inmemory: , cache: {layerinfo: inmemory, blobdescriptorsize: -1}}\n";
    expect(configOf(text).storage.cache).toMatchObject({ blobdescriptor: "inmemory", blobdescriptorsize: 1_000_000 });
  });

  it("validation is on when either switch says so (wire contract §11.1)", () => {
    expect(configOf(`${MINIMAL}validation: {disabled: true}\n`).validation.disabled).toBe(true);
    expect(configOf(`${MINIMAL}validation: {disabled: true, enabled: true}\n`).validation.disabled).toBe(false);
  });

  it("TLS", () => {
    const text = `${MINIMAL}http: {tls: {certificate: c, key: k, clientcas: [a], clientauth: Request-Client-Cert, ciphersuites: [TLS_AES_128_GCM_SHA256]}}\n`;
    expect(configOf(text).http.tls).toEqual({
      source: { kind: "files", certificate: "c", key: "k" },
      clientcas: ["a"],
      clientauth: "request-client-cert",
      minimumtls: "tls1.2",
      ciphersuites: ["TLS_AES_128_GCM_SHA256"],
      curves: [],
    });
  });

  it("health checks", () => {
    const text = `${MINIMAL}health: {http: [{uri: "https://a/", timeout: 1s, interval: 0, threshold: -1, headers: {A: [b]}}], tcp: [{addr: "a:1"}], file: [{file: /x, interval: 5s}]}\n`;
    const config = configOf(text);
    expect(checkOptions(config, "http")).toMatchObject([
      { uri: "https://a/", statuscode: 200, timeout: 1000, interval: 10_000, threshold: 1, headers: { A: ["b"] } },
    ]);
    expect(checkOptions(config, "tcp")).toMatchObject([{ addr: "a:1", timeout: 0, interval: 10_000, threshold: 1 }]);
    expect(checkOptions(config, "file")).toMatchObject([{ file: "/x", interval: 5000 }]);
  });
});

describe("a bad value is one error, which says where it is, what was found and what is expected", () => {
  it.each([
    ["version: 0.2\nstorage: inmemory", "config.yml:1: version: found 0.2; expected 0.1"],
    ["storage: inmemory", "config.yml:1: version: missing (required); expected 0.1"],
    [
      `${MINIMAL}http:\n  relativeurls: "true"`,
      'config.yml:5: http.relativeurls: found "true"; expected true or false, without quotes',
    ],
    [`${MINIMAL}http: 5`, "config.yml:4: http: found 5; expected a map"],
    [
      `${MINIMAL}http: {headers: {X: nosniff}}`,
      /config\.yml:4: http\.headers\.X: found "nosniff"; expected a list of values, such as \[nosniff\]/,
    ],
    [
      `${MINIMAL}http: {headers: {"a b": [c]}}`,
      /config\.yml:4: http\.headers\."a b": found a list; expected a map of header names/,
    ],
    [
      `${MINIMAL}http: {headers: {a: ["b\\r\\nc: d"]}}`,
      /config\.yml:4: http\.headers\.a\[0\]: found "b\\r\\nc: d"; expected a string without line breaks/,
    ],
    [
      `${MINIMAL}http: {addr: 5000}`,
      'config.yml:4: http.addr: found "5000"; expected host:port, such as :5000 or 127.0.0.1:5000',
    ],
    [`${MINIMAL}http: {net: udp}`, 'config.yml:4: http.net: found "udp"; expected one of tcp, unix'],
    [`${MINIMAL}http: {host: "http://[/"}`, /http\.host: found "http:\/\/\[\/"; expected a URL such as/],
    [
      `${MINIMAL}http: {prefix: registry}`,
      'config.yml:4: http.prefix: found "registry"; expected a path that starts and ends with a slash, such as /registry/',
    ],
    [
      `${MINIMAL}http: {draintimeout: -1s}`,
      /http\.draintimeout: found "-1s"; expected a duration such as .* not negative/,
    ],
    [`${MINIMAL}http: {draintimeout: 1000h}`, /http\.draintimeout: found "1000h"; expected .*at most 596h/],
    [
      `${MINIMAL}http: {tls: {certificate: c}}`,
      "config.yml:4: http.tls.key: missing; http.tls.certificate needs its key",
    ],
    [
      `${MINIMAL}http: {tls: {key: k}}`,
      "config.yml:4: http.tls.certificate: missing; http.tls.key needs its certificate",
    ],
    [`${MINIMAL}http: {tls: {clientcas: [c]}}`, /http\.tls\.clientcas: needs http\.tls\.certificate/],
    [
      `${MINIMAL}http: {tls: {minimumtls: tls1.0}}`,
      /http\.tls\.minimumtls: found "tls1\.0"; expected tls1\.2 or tls1\.3/,
    ],
    [`${MINIMAL}http: {tls: {ciphersuites: [RC4]}}`, /http\.tls\.ciphersuites\[0\]: found "RC4"; expected one of TLS_/],
    [
      `${MINIMAL}http: {limits: {headersize: 1}}`,
      "config.yml:4: http.limits.headersize: found 1; expected a whole number from 8192 to 1048576",
    ],
    [`${MINIMAL}log: {level: loud}`, 'config.yml:4: log.level: found "loud"; expected one of error, warn, info, debug'],
    [`${MINIMAL}tags: {maxtags: -1}`, "config.yml:4: tags.maxtags: found -1; expected a whole number, at least 0"],
    [
      `${MINIMAL}validation: {manifests: {urls: {allow: ["("]}}}`,
      /validation\.manifests\.urls\.allow\[0\]: found "\("; expected a regular expression/,
    ],
    [
      `${MINIMAL}health: {tcp: [{addr: "a:1"}, {addr: "a:1"}]}`,
      /health\.tcp\[1\]\.addr: duplicate; there is already a check of "a:1"/,
    ],
    [
      `${MINIMAL}health: {file: [{}]}`,
      "config.yml:4: health.file[0].file: missing (required); expected a non-empty string",
    ],
    [
      `${MINIMAL}health: {tcp: [{addr: ":1"}]}`,
      'config.yml:4: health.tcp[0].addr: found ":1"; expected host:port, such as db.example:5432',
    ],
    [
      "version: 0.1\nstorage: {inmemory: , delete: {enabled: 'true'}}",
      'config.yml:2: storage.delete.enabled: found "true"; expected true or false, without quotes',
    ],
    [
      "version: 0.1\nstorage: {inmemory: , cache: {blobdescriptor: memory}}",
      'config.yml:2: storage.cache.blobdescriptor: found "memory"; expected inmemory or redis; remove the key to disable the cache',
    ],
    [
      "version: 0.1\nstorage: {inmemory: , maintenance: {uploadpurging: {age: 168}}}",
      /storage\.maintenance\.uploadpurging\.age: found 168; expected a duration/,
    ],
    [
      "version: 0.1\nstorage: {filesystem: {maxthreads: many}}",
      'config.yml:2: storage.filesystem.maxthreads: found "many"; expected a whole number',
    ],
    ["version: 0.1", /^config\.yml:1: storage: no storage configuration provided/],
    ["version: 0.1\nstorage: {delete: {enabled: true}}", /^config\.yml:2: storage: no storage configuration provided/],
    [
      "version: 0.1\nstorage: {filesystem: , inmemory: }",
      /^config\.yml:2: storage: multiple storage drivers specified.*\[filesystem inmemory\]; remove the others/,
    ],
    [
      "version: 0.1\nstorage: {filesytem: {}}",
      /^config\.yml:2: storage\.filesytem: unknown key or storage driver; did you mean storage\.filesystem\?/,
    ],
    [
      `${MINIMAL}auth: {silly: {realm: r}}`,
      "config.yml:4: auth.silly.service: missing (required); expected a non-empty string",
    ],
    [
      `${MINIMAL}auth: {silly: {realm: [5], service: s}}`,
      "config.yml:4: auth.silly.realm: found a list; expected a non-empty string",
    ],
    [
      `${MINIMAL}auth: {silly: , none: }`,
      /^config\.yml:4: auth: must provide exactly one type\. Provided: \[none silly\]/,
    ],
    ["- a", "config.yml:1: found no keys; expected a map such as version: 0.1"],
    ["", /^config\.yml:1: (version: missing \(required\)|storage: no storage)/],
  ])("%j", (text, expected) => {
    const errors = errorsOf(text);
    if (text === "") expect(errors).toHaveLength(2);
    else expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(expected);
    if (typeof expected === "string") expect(errors[0]).toBe(expected);
  });

  it("all of them are found at once, in the order of the file", () => {
    expect(
      errorsOf(`${MINIMAL}http:\n  net: udp\n  draintimeout: x\nlog:\n  level: loud\n`).map((message) =>
        message.split(": ", 2).join(" "),
      ),
    ).toEqual(["config.yml:5 http.net", "config.yml:6 http.draintimeout", "config.yml:8 log.level"]);
  });
});

describe("unknown keys", () => {
  it.each([
    [
      `${MINIMAL}http: {relativeurl: true}`,
      "config.yml:4: http.relativeurl: unknown key, ignored; did you mean http.relativeurls?",
    ],
    [
      `${MINIMAL}relativeurls: true`,
      "config.yml:4: relativeurls: unknown key, ignored; did you mean http.relativeurls?",
    ],
    [`${MINIMAL}HTTP: {}`, "config.yml:4: HTTP: unknown key, ignored; did you mean http?"],
    [`${MINIMAL}xyzzy: {}`, "config.yml:4: xyzzy: unknown key, ignored"],
    [
      `${MINIMAL}accesslog: {disabled: true}`,
      "config.yml:4: accesslog: unknown key, ignored; did you mean log.accesslog?",
    ],
    [
      "version: 0.1\nstorage: {filesystem: {rootdir: /x}}",
      /^config\.yml:2: storage\.filesystem\.rootdir: unknown key, ignored/,
    ],
    [
      "version: 0.1\nstorage: {inmemory: , delete: {enable: true}}",
      "config.yml:2: storage.delete.enable: unknown key, ignored; did you mean storage.delete.enabled?",
    ],
    [`${MINIMAL}http: {addr: ":1", addr: ":2"}`, "config.yml:4: http.addr: given more than once; the last one is used"],
  ])("%j is a warning", (text, expected) => {
    expect(errorsOf(text)).toEqual([]);
    expect(warningsOf(text)).toEqual([typeof expected === "string" ? expected : expect.stringMatching(expected)]);
  });

  it.each([
    [`${MINIMAL}auht: {silly: {}}`, /auht: unknown key; it may be meant to protect the registry.*did you mean auth\?/],
    [`${MINIMAL}Auth: {silly: {}}`, /Auth: unknown key; it may be meant/],
    [`${MINIMAL}acess: []`, /acess: unknown key; it may be meant.*did you mean access\?/],
    [`${MINIMAL}htpasswd: {realm: r}`, /htpasswd: unknown key; it may be meant/],
    [`${MINIMAL}http: {auth: {silly: {}}}`, /http\.auth: unknown key; it may be meant.*did you mean auth\?/],
    [
      `${MINIMAL}auth: {htpaswd: {realm: r}}`,
      /auth\.htpaswd: unknown key; in auth no key is ignored; did you mean auth\.htpasswd\?/,
    ],
    [
      `${MINIMAL}auth: {silly: {realm: r, service: s, extra: 1}}`,
      /auth\.silly\.extra: unknown key; in auth no key is ignored/,
    ],
    [`${MINIMAL}auth: sily`, /auth\.sily: unknown key; in auth no key is ignored; did you mean auth\.silly\?/],
  ])("%j is an error, since ignoring it could open the registry", (text, expected) => {
    expect(errorsOf(text)).toEqual([expect.stringMatching(expected)]);
  });

  it("an auth section with nothing in it is a warning", () => {
    expect(warningsOf(`${MINIMAL}auth:\n`)).toEqual([
      "config.yml:4: auth: empty, so anyone may do anything; write auth: none if that is intended",
    ]);
  });
});

describe("certificates from an authority", () => {
  const section = (text: string) => `${MINIMAL}http: {tls: {letsencrypt: {cachefile: /c, ${text}}}}`;

  it("need hosts, each of which is taken once, in ASCII and lower case", () => {
    const { config } = load(section("email: a@b.example, hosts: [R.example, r.example., 'bücher.example']"));
    expect(config?.http.tls?.source).toEqual({
      kind: "letsencrypt",
      cachefile: "/c",
      email: "a@b.example",
      hosts: ["r.example", "xn--bcher-kva.example"],
      directoryurl: "https://acme-v02.api.letsencrypt.org/directory",
      httpaddr: undefined,
    });
  });

  it("come from variables, too", () => {
    const { config } = load(MINIMAL, {
      REGISTRY_HTTP_TLS_LETSENCRYPT_CACHEFILE: "/c",
      REGISTRY_HTTP_TLS_LETSENCRYPT_EMAIL: "a@b.example",
      REGISTRY_HTTP_TLS_LETSENCRYPT_HOSTS: "[r.example]",
      REGISTRY_HTTP_TLS_LETSENCRYPT_DIRECTORYURL: "https://ca.example/dir",
      REGISTRY_HTTP_TLS_LETSENCRYPT_HTTPADDR: ":80",
    });
    expect(config?.http.tls?.source).toEqual({
      kind: "letsencrypt",
      cachefile: "/c",
      email: "a@b.example",
      hosts: ["r.example"],
      directoryurl: "https://ca.example/dir",
      httpaddr: ":80",
    });
  });

  it.each([
    [section("email: e"), /letsencrypt\.hosts: missing; name the hosts/],
    [section("hosts: ['*.example']"), /letsencrypt\.hosts\[0\]: found "\*\.example"; a wildcard/],
    [section("hosts: [a.example, 10.0.0.1]"), /letsencrypt\.hosts\[1\]: found "10\.0\.0\.1"; expected a name/],
    [section("hosts: ['https://a.example']"), /letsencrypt\.hosts\[0\]: found .*; expected a host name without scheme/],
    [section("hosts: ['a.example:443']"), /letsencrypt\.hosts\[0\]: found .*; expected a host name without scheme/],
    [
      section("hosts: [a.example], directoryurl: 'http://ca.example'"),
      /letsencrypt\.directoryurl: found .*; expected the https/,
    ],
    [section("hosts: [a.example], httpaddr: 'a b'"), /letsencrypt\.httpaddr: found "a b"; expected host:port/],
    [
      `${MINIMAL}http: {tls: {certificate: c, key: k, letsencrypt: {cachefile: /c, hosts: [a.example]}}}`,
      /letsencrypt\.cachefile: not together with http\.tls\.certificate/,
    ],
  ])("%s", (text, expected) => {
    expect(errorsOf(text)).toEqual([expect.stringMatching(expected)]);
  });

  it("are for ECDSA, of which suites without it are warned", () => {
    const text = `${MINIMAL}http: {tls: {ciphersuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], letsencrypt: {cachefile: /c, hosts: [a.example]}}}`;
    expect(warningsOf(text)).toEqual([expect.stringContaining("none of them is for ECDSA")]);
  });
});

describe("what this version doesn't have is refused by name", () => {
  const storage = (name: string) => `version: 0.1\nstorage: {${name}: {bucket: b, region: r}}`;

  it.each<readonly [string, string]>([
    ...["swift", "oss"].map((name) => [storage(name), `storage.${name}`] as const),
    [`${MINIMAL}middleware: {registry: [{name: x}]}`, "middleware.registry"],
    [`${MINIMAL}middleware: {repository: [{name: x, disabled: false}]}`, "middleware.repository"],
  ])("%s", (text, key) => {
    const { config, errors } = load(text);
    expect(config).toBeUndefined();
    expect(messages(errors)).toEqual([
      expect.stringMatching(
        new RegExp(`^config\\.yml:\\d: ${key.replaceAll(".", "\\.")}: this version doesn't support .+ yet.*; .+`),
      ),
    ]);
    expect(messages(errors).join()).not.toContain("hunter2");
  });

  it.each<readonly [string, string]>([
    [
      `${MINIMAL}log: {hooks: [{type: mail, levels: [panic], options: {smtp: {addr: "m:25", password: hunter2}, from: f, to: [t]}}]}`,
      "log.hooks",
    ],
    [`${MINIMAL}reporting: {bugsnag: {apikey: hunter2}}`, "reporting.bugsnag.apikey"],
    [`${MINIMAL}reporting: {newrelic: {licensekey: hunter2}}`, "reporting.newrelic.licensekey"],
    [`${MINIMAL}compatibility: {schema1: {enabled: true}}`, "compatibility.schema1.enabled"],
  ])("or left out with a warning where that does no harm: %s", (text, key) => {
    expect(errorsOf(text)).toEqual([]);
    expect(warningsOf(text)).toEqual([
      expect.stringMatching(new RegExp(`^config\\.yml:\\d: ${key.replaceAll(".", "\\.")}: has no effect: .+; .+`)),
    ]);
    expect(warningsOf(text).join()).not.toContain("hunter2");
  });

  it.each([
    "notifications: {endpoints: [], events: {includereferences: true}}",
    "notifications: {endpoints: [{name: n, disabled: true, url: u, timeout: 1s}]}",
    'proxy: {remoteurl: "", username: u, password: p, ttl: 168h}',
    "redis: {addrs: [], password: p, dialtimeout: 10ms, poolsize: 3, tls: {certificate: c}}",
    "middleware: {storage: [{name: cloudfront, disabled: true, options: {a: 1}}], registry: []}",
    'http: {tls: {letsencrypt: {cachefile: "", email: e, hosts: [h]}}}',
    "log: {hooks: [{type: mail, disabled: true, levels: [panic]}]}",
    'reporting: {bugsnag: {apikey: "", releasestage: r}, newrelic: {}}',
    "compatibility: {schema1: {enabled: false, signingkeyfile: /k}}",
    "http: {cors: {}}",
    "auth: none",
    "auth: {none: }",
  ])("but %s does nothing, and passes", (text) => {
    expect(errorsOf(`${MINIMAL}${text}\n`)).toEqual([]);
    expect(warningsOf(`${MINIMAL}${text}\n`)).toEqual([]);
  });
});

describe("secrets", () => {
  it("are shown by nothing that makes text of the configuration", () => {
    const config = configOf(`${MINIMAL}http: {secret: hunter2}\n`);
    for (const shown of [JSON.stringify(config), inspect(config, { depth: 9 }), String(config.http.secret)]) {
      expect(shown).not.toContain("hunter2");
      expect(shown).toContain("[redacted]");
    }
  });

  it("are not in messages", () => {
    const texts = [
      `${MINIMAL}http: {secret: [hunter2]}`,
      `${MINIMAL}health: {http: [{uri: "https://a", headers: {Authorization: hunter2}}]}`,
      `${MINIMAL}health: {http: [{uri: "https://a", headers: {Authorization: ["hunter2\\n"]}}]}`,
      `${MINIMAL}proxy: {password: {hunter2: 1}}`,
      `${MINIMAL}proxy: {password: [hunter2]}`,
    ];
    for (const text of texts) {
      expect(errorsOf(text).concat(warningsOf(text)).join(), text).not.toContain("hunter2");
      expect(errorsOf(text), text).toHaveLength(1);
    }
  });
});
