import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { type Environment } from "../../src/config/environment.js";
import { configOf, errorsOf, load, messages, MINIMAL, warningsOf } from "./support.js";

const S3 = "version: 0.1\nstorage:\n  s3: {bucket: b, region: eu-central-1}\n";
const CLOUDFRONT = { baseurl: "d111111abcdef8.cloudfront.net", privatekey: "/etc/cf.pem", keypairid: "K2" };

function entries(...list: readonly object[]): string {
  return stringify({ middleware: { storage: list } });
}

/** Place, kind and options of each entry that is in use. */
function chosenIn(text: string, environment: Environment = {}) {
  const { storage } = configOf(text, environment).middleware;
  return storage.map(({ index, middleware }) => [index, middleware.kind, middleware.options] as const);
}

describe("middleware.storage", () => {
  it("keeps the order of the file, without disabled entries", () => {
    const text =
      S3 +
      entries(
        { name: "rewrite", options: { host: "cdn" } },
        { name: "x", disabled: true },
        { name: "redirect", options: { baseurl: "https://c/d" } },
      );
    expect(chosenIn(text)).toEqual([
      [0, "rewrite", { host: "cdn" }],
      [2, "redirect", { baseurl: "https://c/d" }],
    ]);
    expect(warningsOf(text)).toEqual([]);
  });

  it("fills in CloudFront's defaults", () => {
    expect(chosenIn(S3 + entries({ name: "cloudfront", options: CLOUDFRONT }))).toEqual([
      [
        0,
        "cloudfront",
        {
          baseurl: "https://d111111abcdef8.cloudfront.net",
          privatekey: "/etc/cf.pem",
          keypairid: "K2",
          duration: 1_200_000,
          ipfilteredby: "none",
          iprangesurl: "https://ip-ranges.amazonaws.com/ip-ranges.json",
        },
      ],
    ]);
  });

  it.each<readonly [object, object]>([
    [{ duration: "3000s" }, { duration: 3_000_000 }],
    [{ ipfilteredby: "none" }, { ipfilteredby: "none" }],
    [
      { ipfilteredby: "AWS", updatefrequency: "1h" },
      { ipfilteredby: "aws", updatefrequency: 3_600_000 },
    ],
    [{ updatefrenquency: "2h" }, { updatefrenquency: 7_200_000 }],
    [
      { ipfilteredby: "awsregion", awsregion: " us-east-1, EU-west-1 ," },
      { ipfilteredby: "awsregion", awsregion: " us-east-1, EU-west-1 ," },
    ],
    [{ iprangesurl: "http://lists/ip-ranges.json" }, { iprangesurl: "http://lists/ip-ranges.json" }],
  ])("understands %j of cloudfront", (options, expected) => {
    const [entry] = chosenIn(S3 + entries({ name: "cloudfront", options: { ...CLOUDFRONT, ...options } }));
    expect(entry?.[2]).toMatchObject(expected);
  });

  it.each<readonly [object, readonly string[]]>([
    [
      { name: "cloudfrond", options: CLOUDFRONT },
      [
        'config.yml:6: middleware.storage[0].name: found "cloudfrond"; expected one of redirect, rewrite, cloudfront; did you mean cloudfront?',
      ],
    ],
    [
      { options: {} },
      ["config.yml:6: middleware.storage[0].name: missing (required); expected one of redirect, rewrite, cloudfront"],
    ],
    [{ name: "redirect" }, ["config.yml:6: middleware.storage[0].options.baseurl: missing (required by redirect)"]],
    [
      { name: "redirect", options: { baseurl: "cdn.example" } },
      [
        'config.yml:8: middleware.storage[0].options.baseurl: found "cdn.example"; expected an address with scheme and host, such as https://cdn.example/',
      ],
    ],
    [
      { name: "redirect", options: { baseurl: "https://c", base_url: "x" } },
      [
        "config.yml:9: middleware.storage[0].options.base_url: redirect has no such option; did you mean baseurl?; known options: baseurl",
      ],
    ],
    [
      { name: "rewrite", options: { host: "c", baseurl: "https://c" } },
      [
        "config.yml:9: middleware.storage[0].options.baseurl: rewrite has no such option; known options: scheme, host, trimpathprefix",
      ],
    ],
    [
      { name: "rewrite", options: { scheme: "https://", host: "a/b" } },
      [
        'config.yml:8: middleware.storage[0].options.scheme: found "https://"; expected a scheme such as https, without ://',
        'config.yml:9: middleware.storage[0].options.host: found "a/b"; expected a host such as cdn.example, perhaps with a port',
      ],
    ],
    [
      { name: "cloudfront", options: { baseurl: "c" } },
      [
        "config.yml:7: middleware.storage[0].options.privatekey: missing (required by cloudfront)",
        "config.yml:7: middleware.storage[0].options.keypairid: missing (required by cloudfront)",
      ],
    ],
    [
      { name: "cloudfront", options: { ...CLOUDFRONT, ipfilteredby: "awsregion" } },
      ["config.yml:7: middleware.storage[0].options.awsregion: missing; ipfilteredby: awsregion needs it"],
    ],
    [
      { name: "cloudfront", options: { ...CLOUDFRONT, ipfilteredby: "gcp" } },
      ['config.yml:11: middleware.storage[0].options.ipfilteredby: found "gcp"; expected one of none, aws, awsregion'],
    ],
    [
      { name: "cloudfront", options: { ...CLOUDFRONT, duration: 3000 } },
      [
        'config.yml:11: middleware.storage[0].options.duration: found "3000"; expected a duration such as 30s or 20m, from 1s to 2145600s',
      ],
    ],
  ])("refuses %j with its line", (entry, expected) => {
    expect(errorsOf(S3 + entries(entry))).toEqual(expected);
  });

  it("warns if an entry has no effect", () => {
    expect(warningsOf(MINIMAL + entries({ name: "cloudfront", options: CLOUDFRONT }))).toEqual([
      "config.yml:6: middleware.storage[0]: has no effect with storage.inmemory: cloudfront works with s3 only",
    ]);
    expect(warningsOf(S3 + entries({ name: "rewrite" }))).toEqual([
      "config.yml:6: middleware.storage[0].options: changes nothing without scheme, host or trimpathprefix",
    ]);
    const off = "version: 0.1\nstorage: {inmemory: , redirect: {disable: true}}\n";
    expect(warningsOf(off + entries({ name: "redirect", options: { baseurl: "https://c" } }))).toEqual([
      "config.yml:4: middleware.storage: has no effect with storage.redirect.disable: true, because no client is redirected",
    ]);
  });

  it("is set by the environment", () => {
    const chosen = chosenIn(MINIMAL, {
      REGISTRY_MIDDLEWARE_STORAGE_0_NAME: "redirect",
      REGISTRY_MIDDLEWARE_STORAGE_0_OPTIONS_BASEURL: "https://cdn.example/",
    });
    expect(chosen).toEqual([[0, "redirect", { baseurl: "https://cdn.example/" }]]);
  });
});

describe("storage.redirect", () => {
  const file = (redirect: object): string => stringify({ version: 0.1, storage: { inmemory: {}, redirect } });

  it("has rules for clients, in order", () => {
    const clients = [
      { networks: ["10.1.0.0/16", "fd00::/8", "192.0.2.1"], disable: false },
      { networks: ["10.0.0.0/8"], disable: true },
    ];
    expect(configOf(file({ clients })).storage.redirect).toEqual({ disable: false, clients });
  });

  it.each<readonly [object, string]>([
    [
      { networks: ["10.0.0.0/33"], disable: true },
      'config.yml:8: storage.redirect.clients[0].networks[0]: found "10.0.0.0/33"; expected an address, or a network such as 10.0.0.0/8',
    ],
    [
      { networks: [], disable: true },
      "config.yml:7: storage.redirect.clients[0].networks: found a list; expected a list of addresses and networks",
    ],
    [
      { networks: ["10.0.0.0/8"] },
      "config.yml:7: storage.redirect.clients[0].disable: missing (required); expected true or false, without quotes",
    ],
    [
      { disable: true },
      "config.yml:7: storage.redirect.clients[0].networks: missing (required); expected a list of addresses and networks",
    ],
  ])("refuses the rule %j", (rule, message) => {
    const { errors } = load(file({ clients: [rule] }));
    expect(messages(errors).map((text) => text.replace(/^config\.yml:\d+/, "config.yml"))).toEqual([
      message.replace(/^config\.yml:\d+/, "config.yml"),
    ]);
  });
});
