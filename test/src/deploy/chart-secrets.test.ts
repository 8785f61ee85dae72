import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { buildRenderer, CHART, type Render } from "./chart/chart.js";
import { configurationOf, containerOf, listAt, load, secretKeyOf, secretOf } from "./chart/rendered.js";
import { secretKeys } from "./chart/secret-keys.js";
import { SECRET } from "./chart/value-sets.js";
import { at, textAt } from "./pick.js";

const KEYS = secretKeys();
const HEADER = "# Generated from the configuration's schema: npx vitest run test/src/deploy/chart-secrets.test.ts -u\n";

describe("the chart's list of secret keys", () => {
  it("is that of the configuration's schema", async () => {
    const expected = HEADER + stringify(KEYS, { lineWidth: 0 });
    await expect(expected).toMatchFileSnapshot(join(CHART, "files/secret-keys.yml"));
  });

  it("has keys at every depth: in sections, lists, maps and untyped sections", () => {
    expect(KEYS.secrets).toMatchObject({
      "http.secret": "REGISTRY_HTTP_SECRET",
      "storage.s3.sessiontoken": "REGISTRY_STORAGE_S3_SESSIONTOKEN",
      "storage.gcs.credentials": "REGISTRY_STORAGE_GCS_CREDENTIALS",
      "proxy.upstreams.*.password": "REGISTRY_PROXY_UPSTREAMS_*_PASSWORD",
      "log.hooks.*.options.smtp.password": "REGISTRY_LOG_HOOKS_*_MAILOPTIONS_SMTP_PASSWORD",
      "tokenserver.local.users.*.password": "",
    });
    expect(KEYS.misspelt).toMatchObject({ "storage.s3.secretaccesskey": "secretkey" });
  });
});

describePeers("the chart's configData", ["go"], () => {
  let folder: TemporaryFolder;
  let render: Render;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("chart-secrets");
    render = await buildRenderer(folder.path);
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  /** Where the mark is that `configData` has at a place: in which objects, or in which refusal. */
  async function outcome(place: string, value: unknown) {
    const path = place.split(".");
    try {
      const rendered = await render({ values: valuesWith(path, value) });
      const others = rendered.objects.filter(({ kind }) => kind !== "v1 Secret");
      return {
        shown: [...others.map((object) => JSON.stringify(object)), rendered.notes].filter((text) =>
          text.includes(SECRET),
        ),
        hidden: JSON.stringify(secretOf(rendered)).includes(SECRET),
      };
    } catch (failure) {
      const refusal = String(failure);
      return { shown: [refusal].filter((text) => text.includes(SECRET)), refusal };
    }
  }

  it.each(Object.entries(KEYS.secrets))("has no secret %s outside of the Secret", async (pattern, variable) => {
    const place = pattern.replaceAll(".*", ".0");
    const outcomes = [SECRET, { Authorization: [SECRET] }].map((value) => outcome(place, value));
    for (const found of await Promise.all(outcomes)) {
      expect(found.shown).toEqual([]);
      if (variable === "") expect(found.refusal).toContain("valueFrom.secretKeyRef");
      // Keys of S3 count in pairs; drivers that the chart doesn't have are refused altogether.
      else if (!/^storage\.(s3\w*\.(access|secret)key|swift|oss)/.test(pattern)) expect(found.hidden).toBe(true);
    }
  });

  it.each(Object.entries(KEYS.misspelt))("says of %s how it is spelt", async (place, name) => {
    const { shown, refusal } = await outcome(place, SECRET);
    expect(shown).toEqual([]);
    expect(refusal).toContain(`write ${name}, which moves to the Secret`);
  });

  it.each([
    ["a key in upper case", "storage.s3.sessionToken", SECRET],
    ["the password of a misspelt section", "rediss.password", SECRET],
    ["a map", "storage.azure.credentials", { clientid: "c", secret: SECRET }],
    ["options of middleware", "middleware.storage.0.options.licenseKey", SECRET],
    ["an address with a password", "notifications.endpoints.0.url", `https://ci:${SECRET}@ci.example/hook`],
    ["one in a list", "redis.addrs", [`redis://:${SECRET}@redis:6379`]],
  ])("shows no secret that is %s", async (_, place, value) => {
    expect((await outcome(place, value)).shown).toEqual([]);
  });

  it.each([
    ["http.headers", { "Access-Control-Allow-Credentials": ["true"] }],
    ["http.cors.credentials", true],
    ["tokenserver.login.google.clientsecretfile", "/etc/keys/google"],
    ["tokenserver.oidc.issuers.0.rules.0.claims", { token_use: "access", nested: { token_type: "x" } }],
    ["tokenserver.local.users", { "token-bot": { labels: { team: ["secret-team"] } } }],
    ["auth.token.realm", "https://registry.example/auth/token"],
    ["redis.password", ""],
  ])("keeps %s, which is no secret", async (place, value) => {
    const path = place.split(".");
    const rendered = await render({ values: valuesWith(path, value) });
    if (value !== "") expect({ kept: at(configurationOf(rendered), ...path) }).toMatchObject({ kept: value });
  });

  it("has secrets that the registry reads as they were written", async () => {
    const quoted = `'"null: #${SECRET} <&`;
    const values = {
      storage: "s3",
      s3: { region: "eu-central-1", bucket: "b" },
      secrets: { s3: { accessKey: "a", secretKey: "s" } },
      configData: {
        storage: { s3: { sessiontoken: "null" } },
        redis: { addrs: ["redis:26379"], mastername: "m", sentinelpassword: quoted },
        notifications: {
          endpoints: [
            { name: "a", url: "https://a.example" },
            { name: "b", url: "https://b.example", headers: { Authorization: [`Bearer ${quoted}`] } },
          ],
        },
        proxy: {
          upstreams: [
            { prefix: "hub", remoteurl: "https://registry-1.docker.io", username: "u", password: "12345678" },
            { prefix: "own", remoteurl: "https://own.example", username: "v", password: quoted },
          ],
        },
      },
    };
    const rendered = await render({ values });
    const { config, errors } = load(rendered);
    expect(errors).toEqual([]);
    expect(JSON.stringify(configurationOf(rendered))).not.toContain(SECRET);
    expect(config?.redis?.sentinelPassword?.reveal()).toBe(quoted);
    expect(config?.notifications.endpoints[1]?.headers).toEqual({ Authorization: [`Bearer ${quoted}`] });
    expect(JSON.stringify(secretOf(rendered))).toContain("REGISTRY_PROXY_UPSTREAMS_1_PASSWORD");
    const own = listAt(containerOf(rendered), "env").map((variable) => [
      textAt(variable, "name"),
      secretKeyOf(variable)?.name,
    ]);
    expect(own).toContainEqual(["REGISTRY_PROXY_UPSTREAMS_1_PASSWORD", "reg-longshore-secret"]);
  });

  it("refuses a secret that is there twice", async () => {
    const values = { secrets: { redis: { password: SECRET } }, configData: { redis: { Password: "other" } } };
    await expect(render({ values })).rejects.toThrow("REGISTRY_REDIS_PASSWORD is set by another value");
  });
});

/** Values with something at a place of `configData`, and what its storage needs. */
function valuesWith(path: readonly string[], value: unknown): Readonly<Record<string, unknown>> {
  const configData = path.reduceRight<unknown>((inner, part) => (part === "0" ? [inner] : { [part]: inner }), value);
  const driver = path[0] === "storage" ? path[1] : undefined;
  if (driver === undefined) return { configData };
  return { storage: driver, [driver]: { bucket: "b", region: "eu-central-1" }, configData };
}
