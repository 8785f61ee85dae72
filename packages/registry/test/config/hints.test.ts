import { describe, expect, it } from "vitest";
import { errorsOf, load, messages, MINIMAL, warningsOf } from "./support.js";

const S3 = "version: 0.1\nstorage:\n  s3:\n    bucket: b\n    region: us-east-1\n";

function said(text: string, environment: Record<string, string> = {}): string {
  const { errors, warnings } = load(text, environment);
  return messages([...errors, ...warnings]).join("\n");
}

describe("suggestions for an unknown key", () => {
  it.each([
    [`${S3}    endpoint: http://a\n`, "storage.s3.regionendpoint"],
    [`${S3}    pathstyle: true\n`, "storage.s3.forcepathstyle"],
    [`${S3}    use_path_style: true\n`, "storage.s3.forcepathstyle"],
    [`${S3}    access_key: a\n`, "storage.s3.accesskey"],
    [`${S3}    secretaccesskey: a\n`, "storage.s3.secretkey"],
    [`${MINIMAL}redis: {sentinelmasterset: m}\n`, "redis.mastername"],
    [`${MINIMAL}redis: {database: 1}\n`, "redis.db"],
    [`${MINIMAL}acl: []\n`, "access"],
    [`${MINIMAL}http: {relativeurl: true}\n`, "http.relativeurls"],
    [`${MINIMAL}draintimeout: 5s\n`, "http.draintimeout"],
  ])("%j", (text, key) => expect(said(text)).toContain(`did you mean ${key}?`));

  it("of a variable", () => {
    expect(warningsOf(MINIMAL, { REGISTRY_REDIS_SENTINELMASTERSET: "m" })).toEqual([
      expect.stringContaining("did you mean REGISTRY_REDIS_MASTERNAME?"),
    ]);
  });
});

describe("lines that have lost their indentation", () => {
  it.each([
    [`${MINIMAL}http:\naddr: ":5000"\n`, "http.addr", "http in line 4"],
    [`${MINIMAL}http:\n  addr: ":5000"\nheaders: {X-A: [b]}\n`, "http.headers", "http in line 4"],
    [`${MINIMAL}http:\n  tls:\n  certificate: a\n`, "http.tls.certificate", "tls in line 5"],
    [
      `${MINIMAL}http:\n  addr: ":1"\n  debug:\nprometheus: {enabled: true}\n`,
      "http.debug.prometheus",
      "http in line 4",
    ],
    [`version: 0.1\nstorage:\nfilesystem:\n  rootdirectory: /a\n`, "storage.filesystem", "storage in line 2"],
    [`${MINIMAL}auth:\nhtpasswd:\n  realm: r\n  path: /a\n`, "auth.htpasswd", "auth in line 4"],
    [
      `${MINIMAL}notifications:\n  endpoints:\n    - name: a\n  url: http://a\n`,
      "notifications.endpoints[0].url",
      "endpoints in line 5",
    ],
  ])("%j", (text, key, place) => {
    expect(said(text)).toContain(`did you mean ${key}? If so, indent it below ${place}`);
  });

  it("are not seen where a section of that name doesn't stand above", () => {
    expect(said(`${MINIMAL}draintimeout: 5s\nhttp:\n  addr: ":1"\n`)).not.toContain("indentation");
    expect(said(`${MINIMAL}http: {addr: ":1"}\nlog: {level: info}\ndraintimeout: 5s\n`)).not.toContain("indentation");
  });
});

describe("a string in place of a list", () => {
  it.each([
    ["REGISTRY_REDIS_ADDRS", "a:1,b:2", `REGISTRY_REDIS_ADDRS='["a:1", "b:2"]'`],
    ["REGISTRY_HTTP_TLS_CLIENTCAS", "/ca.pem", `REGISTRY_HTTP_TLS_CLIENTCAS='["/ca.pem"]'`],
    ["REGISTRY_HTTP_CORS_ORIGINS", "https://a https://b", `REGISTRY_HTTP_CORS_ORIGINS='["https://a", "https://b"]'`],
  ])("in the variable %s shows how to write it", (name, value, example) => {
    const errors = errorsOf(MINIMAL, { [name]: value });
    expect(errors).toEqual([expect.stringContaining(`; write it as ${example}`)]);
    expect(errors[0]).toMatch(/found ".*"; expected a list/);
  });

  it("in the file, too", () => {
    expect(errorsOf(`${MINIMAL}redis: {addrs: "a:1"}\n`)).toEqual([
      'config.yml:4: redis.addrs: found "a:1"; expected a list of strings; write it as ["a:1"]',
    ]);
  });

  it("for one header says what a header expects", () => {
    expect(errorsOf(`${MINIMAL}http: {headers: {X-A: nosniff}}\n`)).toEqual([
      'config.yml:4: http.headers.X-A: found "nosniff"; expected a list of values, such as [nosniff]; write it as ["nosniff"]',
    ]);
    const secret = `${MINIMAL}notifications: {endpoints: [{url: "http://a", headers: {Authorization: hunter2}}]}\n`;
    expect(errorsOf(secret).join("\n")).toContain("expected a list of values");
    expect(errorsOf(secret).join("\n")).not.toContain("hunter2");
  });
});

describe("durations below a millisecond", () => {
  it.each([
    [
      "notifications: {endpoints: [{url: 'http://a', timeout: 500}]}",
      "notifications.endpoints[0].timeout",
      "500ms or 500s",
    ],
    ["http: {draintimeout: 30}", "http.draintimeout", "30ms or 30s"],
    ["redis: {addrs: [a], readtimeout: 3}", "redis.readtimeout", "3ms or 3s"],
    ["http: {draintimeout: 500ns}", "http.draintimeout", "ms or s"],
  ])("%s", (section, path, remedy) => {
    const line = warningsOf(`${MINIMAL}${section}\n`).find((each) => each.includes(`: ${path}: `));
    expect(line).toMatch(/less than a millisecond; add the unit you mean/);
    expect(line).toContain(remedy);
  });

  it.each(["0", "1ms", "5000000", "-1", "1h"])("but not %s", (time) => {
    expect(said(`${MINIMAL}redis: {addrs: [a], readtimeout: ${time}}\n`)).not.toContain("millisecond");
  });

  it("in a variable", () => {
    expect(warningsOf(MINIMAL, { REGISTRY_HTTP_DRAINTIMEOUT: "500" })).toEqual([
      "environment variable REGISTRY_HTTP_DRAINTIMEOUT: http.draintimeout: found 500, which means nanoseconds: less than a millisecond; add the unit you mean, such as 500ms or 500s",
    ]);
  });
});

describe("CORS headers that browsers refuse", () => {
  const warned = (headers: string) => warningsOf(`${MINIMAL}http: {headers: {${headers}}}\n`);

  it.each([
    ["Access-Control-Allow-Origin: ['https://a', 'https://b']", /more than one origin/],
    ["access-control-allow-origin: ['https://a, https://b']", /more than one origin/],
    ["Access-Control-Allow-Origin: ['https://a/']", /has no path/],
    ["Access-Control-Allow-Origin: ['*'], Access-Control-Allow-Credentials: ['true']", /no credentials/],
  ])("%s", (headers, message) => expect(warned(headers)).toEqual([expect.stringMatching(message)]));

  it.each([
    "Access-Control-Allow-Origin: ['*']",
    "Access-Control-Allow-Origin: ['https://a:8080'], Access-Control-Allow-Credentials: ['true']",
    "Access-Control-Allow-Credentials: ['true']",
  ])("and none for %s", (headers) => expect(warned(headers)).toEqual([]));
});
