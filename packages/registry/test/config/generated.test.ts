import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { EXAMPLES } from "../../src/config/reference/examples.js";
import { GENERATED } from "../../src/config/reference/generated.js";
import { jsonSchema } from "../../src/config/reference/json-schema.js";
import { configurationReference } from "../../src/config/reference/markdown.js";
import { root } from "../../src/config/schema/root.js";
import { child, shapeOf, walkKeys } from "@longshore/options/shape";
import { errorsOf, warningsOf } from "./support.js";

const PROJECT = new URL("../../../../", import.meta.url);

describe("what is generated from the schema", () => {
  it.each(GENERATED.map(({ path, text }) => [path, text] as const))(
    "%s is up to date (npm run schema)",
    async (path, text) => {
      expect(await readFile(new URL(path, PROJECT), "utf8")).toBe(text());
    },
  );

  it("the editors' schema describes every key and no others", () => {
    const object = z.looseObject({
      type: z.unknown(),
      additionalProperties: z.unknown(),
      required: z.array(z.string()),
      properties: z.record(z.string(), z.unknown()),
    });
    const schema = object.parse(JSON.parse(jsonSchema()));
    expect(schema.required).toEqual(["version", "storage"]);
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(["log", "storage", "http", "auth", "redis", "proxy"]),
    );
    expect(schema.properties["http"]).toMatchObject({
      properties: {
        relativeurls: { type: "boolean", default: false, description: expect.stringContaining("URLs") as string },
      },
    });
  });

  it("the reference has a line for every key that works here", () => {
    const text = configurationReference();
    for (const name of [
      "http.limits.bodyidletimeout",
      "storage.cache.manifestbytes",
      "storage.cache.sharedmanifestsize",
      "health.http[].statuscode",
      "log.accesslog.disabled",
    ]) {
      expect(text).toContain(`- \`${name}\` (`);
    }
    expect(text).toContain("`REGISTRY_HEALTH_FILECHECKERS`");
  });

  it("the reference has an example for every section that works here", () => {
    const text = configurationReference();
    const headings = [...text.matchAll(/^##+ (\S+)$/gm)].map(([, heading = ""]) => heading);
    expect(Object.keys(EXAMPLES).filter((path) => !headings.includes(path))).toEqual([]);
    const without = ["Rules", "version", "loglevel", "proxy", "compatibility", "reporting"];
    const sections = [...text.matchAll(/^## (\S+)$/gm)].map(([, heading = ""]) => heading);
    expect(sections.filter((path) => !without.includes(path) && !(path in EXAMPLES))).toEqual([]);
  });

  it.each(Object.entries(EXAMPLES))("the example of %s is accepted", (_path, example) => {
    const given = z.record(z.string(), z.unknown()).parse(parse(example));
    const storage = z.record(z.string(), z.unknown()).default({}).parse(given["storage"]);
    const driver = "filesystem" in storage || "s3" in storage ? {} : { inmemory: {} };
    const auth =
      "access" in given && !("tokenserver" in given)
        ? { auth: { htpasswd: { realm: "Registry", path: "htpasswd" } } }
        : {};
    const text = stringify({ version: 0.1, ...auth, ...given, storage: { ...storage, ...driver } });
    expect([...errorsOf(text), ...warningsOf(text)]).toEqual([]);
  });

  it("every key has a meaning", () => {
    const silent: string[] = [];
    walkKeys(root, (path, { info }) => {
      if (!info || info.meaning === "") silent.push(path.join("."));
      return info?.unsupported?.when !== "present";
    });
    expect(silent).toEqual([]);
  });
});

describe("every key of the contract has a place (§3.3, §6, §8, §9, §11)", () => {
  const keys =
    `version log.level loglevel log.formatter log.fields log.accesslog.disabled log.reportcaller log.hooks.0.disabled
    log.hooks.0.type log.hooks.0.levels log.hooks.0.options.smtp.addr log.hooks.0.options.smtp.username log.hooks.0.options.smtp.password
    log.hooks.0.options.smtp.insecure log.hooks.0.options.from log.hooks.0.options.to
    storage.filesystem.rootdirectory storage.filesystem.maxthreads storage.inmemory storage.s3.bucket storage.s3aws.accelerate
    storage.gcs.keyfile storage.azure.retry_delay storage.swift.container storage.oss.bucket storage.delete.enabled
    storage.redirect.disable storage.cache.blobdescriptor storage.cache.layerinfo storage.cache.blobdescriptorsize
    storage.maintenance.uploadpurging.enabled storage.maintenance.uploadpurging.age storage.maintenance.uploadpurging.interval
    storage.maintenance.uploadpurging.dryrun storage.maintenance.readonly.enabled storage.tag.concurrencylimit
    auth.none auth.silly.realm auth.silly.service auth.htpasswd.realm auth.htpasswd.path auth.token.realm auth.token.issuer
    auth.token.service auth.token.rootcertbundle auth.token.jwks auth.token.signingalgorithms auth.token.autoredirect
    auth.token.autoredirectpath middleware.registry.0.name middleware.repository.0.disabled middleware.storage.0.options
    http.addr http.net http.host http.prefix http.secret http.relativeurls http.draintimeout http.headers http.tls.certificate
    http.tls.key http.tls.clientcas http.tls.clientauth http.tls.minimumtls http.tls.ciphersuites http.tls.letsencrypt.cachefile
    http.tls.letsencrypt.email http.tls.letsencrypt.hosts http.tls.letsencrypt.directoryurl http.debug.addr
    http.debug.prometheus.enabled http.debug.prometheus.path http.http2.disabled http.h2c.enabled
    notifications.events.includereferences notifications.endpoints.0.name notifications.endpoints.0.disabled
    notifications.endpoints.0.url notifications.endpoints.0.headers notifications.endpoints.0.timeout
    notifications.endpoints.0.threshold notifications.endpoints.0.backoff notifications.endpoints.0.ignoredmediatypes
    notifications.endpoints.0.ignore.mediatypes notifications.endpoints.0.ignore.actions
    health.storagedriver.enabled health.storagedriver.interval health.storagedriver.threshold health.file.0.file health.file.0.interval
    health.http.0.uri health.http.0.headers health.http.0.statuscode health.http.0.timeout health.http.0.interval
    health.http.0.threshold health.tcp.0.addr health.tcp.0.timeout health.tcp.0.interval health.tcp.0.threshold
    proxy.remoteurl proxy.username proxy.password proxy.exec.command proxy.exec.lifetime proxy.ttl proxy.cachewritetimeout
    validation.enabled validation.disabled validation.manifests.urls.allow validation.manifests.urls.deny
    validation.manifests.indexes.platforms validation.manifests.indexes.platformlist.0.architecture
    validation.manifests.indexes.platformlist.0.os policy.repository.classes catalog.maxentries tags.maxtags
    redis.addrs redis.username redis.password redis.clientname redis.mastername redis.sentinelusername redis.sentinelpassword
    redis.identitysuffix redis.db redis.protocol redis.maxretries redis.poolsize redis.minidleconns redis.maxidleconns
    redis.maxactiveconns redis.maxredirects redis.minretrybackoff redis.maxretrybackoff redis.dialtimeout redis.readtimeout
    redis.writetimeout redis.pooltimeout redis.connmaxidletime redis.connmaxlifetime redis.contexttimeoutenabled redis.poolfifo
    redis.readonly redis.routebylatency redis.routerandomly redis.disableidentity redis.unstableresp3 redis.tls.certificate
    redis.tls.key redis.tls.rootcas redis.tls.clientcas redis.addr redis.pool.maxidle redis.pool.maxactive redis.pool.idletimeout
    compatibility.schema1.enabled compatibility.schema1.signingkeyfile reporting.bugsnag.apikey reporting.bugsnag.releasestage
    reporting.bugsnag.endpoint reporting.newrelic.licensekey reporting.newrelic.name reporting.newrelic.verbose`.split(
      /\s+/,
    );

  it.each(keys)("%s", (key) => {
    let schema: z.core.$ZodType | undefined = root;
    for (const part of key.split("."))
      schema = schema && child(shapeOf(schema), /^\d+$/.test(part) ? Number(part) : part);
    expect(schema).toBeDefined();
  });
});
