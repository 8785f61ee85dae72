import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { configOf, errorsOf, load, messages, MINIMAL, warningsOf } from "./support.js";

const S3 = "version: 0.1\nstorage:\n  s3: {bucket: b, region: eu-central-1}\n";
const CLOUDFRONT = { baseurl: "d111111abcdef8.cloudfront.net", privatekey: "/etc/cf.pem", keypairid: "K2" };

function entries(...list: readonly object[]): string {
  return stringify({ middleware: { storage: list } });
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
    expect(configOf(text).middleware.storage).toEqual([
      {
        index: 0,
        middleware: { name: "rewrite", options: { scheme: undefined, host: "cdn", trimPathPrefix: undefined } },
      },
      { index: 2, middleware: { name: "redirect", options: { baseUrl: "https://c/d" } } },
    ]);
    expect(warningsOf(text)).toEqual([]);
  });

  it("fills in what CloudFront's options leave open", () => {
    expect(configOf(S3 + entries({ name: "cloudfront", options: CLOUDFRONT })).middleware.storage).toEqual([
      {
        index: 0,
        middleware: {
          name: "cloudfront",
          options: {
            baseUrl: "https://d111111abcdef8.cloudfront.net",
            privateKey: "/etc/cf.pem",
            keyPairId: "K2",
            duration: 1_200_000,
            awsClients: "none",
            updateFrequency: 43_200_000,
            ipRangesUrl: "https://ip-ranges.amazonaws.com/ip-ranges.json",
          },
        },
      },
    ]);
  });

  it.each<readonly [object, object]>([
    [{ duration: "3000s" }, { duration: 3_000_000 }],
    [{ ipfilteredby: "none" }, { awsClients: "none" }],
    [
      { ipfilteredby: "aws", updatefrequency: "1h" },
      { awsClients: "aws", updateFrequency: 3_600_000 },
    ],
    [{ updatefrenquency: "2h" }, { updateFrequency: 7_200_000 }],
    [{ updatefrequency: "1h", updatefrenquency: "2h" }, { updateFrequency: 3_600_000 }],
    [
      { ipfilteredby: "awsregion", awsregion: " us-east-1, EU-west-1 ," },
      { awsClients: { regions: ["us-east-1", "eu-west-1"] } },
    ],
    [{ iprangesurl: "http://lists/ip-ranges.json" }, { ipRangesUrl: "http://lists/ip-ranges.json" }],
  ])("understands %j of cloudfront", (options, expected) => {
    const [entry] = configOf(S3 + entries({ name: "cloudfront", options: { ...CLOUDFRONT, ...options } })).middleware
      .storage;
    expect(entry?.middleware.options).toMatchObject(expected);
  });

  it.each<readonly [object, readonly string[]]>([
    [
      { name: "cloudfrond", options: CLOUDFRONT },
      [
        'config.yml:6: middleware.storage[0].name: found "cloudfrond"; allowed: one of redirect, rewrite, cloudfront; did you mean cloudfront?',
      ],
    ],
    [
      { options: {} },
      ["config.yml:6: middleware.storage[0].name: found nothing; allowed: one of redirect, rewrite, cloudfront"],
    ],
    [{ name: "redirect" }, ["config.yml:6: middleware.storage[0].options.baseurl: missing; redirect needs it"]],
    [
      { name: "redirect", options: { baseurl: "cdn.example" } },
      [
        'config.yml:8: middleware.storage[0].options.baseurl: found "cdn.example"; allowed: an address with scheme and host, such as https://cdn.example/',
      ],
    ],
    [
      { name: "redirect", options: { baseurl: "https://c", base_url: "x" } },
      [
        "config.yml:9: middleware.storage[0].options.base_url: redirect has no such option; did you mean baseurl?; known here: baseurl",
      ],
    ],
    [
      { name: "rewrite", options: { host: "c", baseurl: "https://c" } },
      [
        "config.yml:9: middleware.storage[0].options.baseurl: rewrite has no such option; known here: scheme, host, trimpathprefix",
      ],
    ],
    [
      { name: "rewrite", options: { scheme: "https://", host: "a/b" } },
      [
        'config.yml:8: middleware.storage[0].options.scheme: found "https://"; allowed: a scheme such as https, without ://',
        'config.yml:9: middleware.storage[0].options.host: found "a/b"; allowed: a host such as cdn.example, perhaps with a port',
      ],
    ],
    [
      { name: "cloudfront", options: { baseurl: "c" } },
      [
        "config.yml:7: middleware.storage[0].options.privatekey: missing; cloudfront needs it",
        "config.yml:7: middleware.storage[0].options.keypairid: missing; cloudfront needs it",
      ],
    ],
    [
      { name: "cloudfront", options: { ...CLOUDFRONT, ipfilteredby: "awsregion" } },
      ["config.yml:7: middleware.storage[0].options.awsregion: missing; cloudfront needs it"],
    ],
    [
      { name: "cloudfront", options: { ...CLOUDFRONT, ipfilteredby: "gcp" } },
      ['config.yml:11: middleware.storage[0].options.ipfilteredby: found "gcp"; allowed: one of none, aws, awsregion'],
    ],
    [
      { name: "cloudfront", options: { ...CLOUDFRONT, duration: 3000 } },
      [
        "config.yml:11: middleware.storage[0].options.duration: found 3000; allowed: a duration such as 30s or 20m, from 1s to 2145600s",
      ],
    ],
  ])("refuses %j with its line", (entry, expected) => {
    expect(errorsOf(S3 + entries(entry))).toEqual(expected);
  });

  it("says when an entry has no effect", () => {
    expect(warningsOf(MINIMAL + entries({ name: "cloudfront", options: CLOUDFRONT }))).toEqual([
      "config.yml:6: middleware.storage[0]: has no effect with storage.inmemory: cloudfront works with s3 only",
    ]);
    expect(warningsOf(S3 + entries({ name: "rewrite" }))).toEqual([
      "config.yml:6: middleware.storage[0].options: changes nothing without scheme, host or trimpathprefix",
    ]);
    const off = "version: 0.1\nstorage: {inmemory: , redirect: {disable: true}}\n";
    expect(warningsOf(off + entries({ name: "redirect", options: { baseurl: "https://c" } }))).toEqual([
      "config.yml:4: middleware.storage: has no effect with storage.redirect.disable: true, since nobody is redirected then",
    ]);
  });

  it("is set by the environment", () => {
    const { middleware } = configOf(MINIMAL, {
      REGISTRY_MIDDLEWARE_STORAGE_0_NAME: "redirect",
      REGISTRY_MIDDLEWARE_STORAGE_0_OPTIONS_BASEURL: "https://cdn.example/",
    });
    expect(middleware.storage).toEqual([
      { index: 0, middleware: { name: "redirect", options: { baseUrl: "https://cdn.example/" } } },
    ]);
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
      'config.yml:8: storage.redirect.clients[0].networks[0]: found "10.0.0.0/33"; allowed: an address, or a network such as 10.0.0.0/8',
    ],
    [
      { networks: [], disable: true },
      "config.yml:7: storage.redirect.clients[0].networks: found a list; allowed: a list of addresses and networks",
    ],
    [
      { networks: ["10.0.0.0/8"] },
      "config.yml:7: storage.redirect.clients[0].disable: found nothing; allowed: true or false, without quotes",
    ],
    [
      { disable: true },
      "config.yml:7: storage.redirect.clients[0].networks: found nothing; allowed: a list of addresses and networks",
    ],
  ])("refuses the rule %j", (rule, message) => {
    const { errors } = load(file({ clients: [rule] }));
    expect(messages(errors).map((text) => text.replace(/^config\.yml:\d+/, "config.yml"))).toEqual([
      message.replace(/^config\.yml:\d+/, "config.yml"),
    ]);
  });
});
