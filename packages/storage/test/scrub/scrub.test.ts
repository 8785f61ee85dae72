import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { condemnedPath } from "../../src/layout/condemned.js";
import * as paths from "../../src/layout/paths.js";
import { SCRUB_STATE } from "../../src/layout/upkeep-files.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import { createPace } from "../../src/scrub/pace.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { orUndefined } from "../../src/store/shared/links.js";
import { QuarantineError } from "../../src/scrub/quarantine.js";
import { createInMemoryObjectStorage } from "../drivers/in-memory-object-storage.js";
import { describeForStorages } from "../gc/support.js";
import { describeForDrivers, encode, failureOf, putBlob, refusing, tag } from "../store/support.js";
import { quarantineSuite } from "./quarantine-suite.js";
import { kindsOf, layer, name, pushImage, scrub, v1 } from "./support.js";

const subjectOf = (digest: Digest): object => ({ subject: { mediaType: OCI_MANIFEST, digest, size: 1 } });

const body = (fresh: () => Promise<StorageDriver>): void => {
  it("finds nothing wrong with what was pushed, or on an empty storage", async () => {
    const driver = await fresh();
    expect(await scrub(driver)).toMatchObject({ blobs: 0, findings: [] });
    const subject = await pushImage(driver);
    await pushImage(driver, { annotations: { is: "signature" }, ...subjectOf(subject) }, []);
    await openRegistry(driver).repository(name).referrers.list(subject);
    expect(await scrub(driver)).toMatchObject({
      blobs: 4,
      repositories: 1,
      manifests: 2,
      tags: 1,
      damaged: 0,
      findings: [],
      resumed: false,
    });
    expect(await orUndefined(driver.stat(SCRUB_STATE))).toBeUndefined();
  });

  it("finds each kind of damage", async () => {
    const driver = await fresh();
    const digest = await pushImage(driver);
    const other = await pushImage(driver, { annotations: { is: "other" } }, [tag("v2")]);
    await driver.write(paths.blobData(layer), encode("LAYER"));
    await driver.delete(paths.layerLink(name, digestOf(encode("config"))), { fileOnly: true });
    await driver.write(paths.tagCurrentLink(name, v1), encode("sha256:1"));
    await driver.write(paths.tagCurrentLink(name, tag("gone")), encode(digestOf(encode("nothing"))));
    await driver.delete(paths.blobData(other), { fileOnly: true });
    const { findings, damaged } = await scrub(driver);
    expect(findings.map(({ kind, digest: of, tag: at }) => `${kind} ${of ?? at ?? ""}`).sort()).toEqual(
      [
        `blob-damaged ${layer}`,
        `manifest-incomplete ${digest}`,
        `manifest-missing ${other}`,
        `tag-dangling ${digestOf(encode("nothing"))}`,
        "tag-link v1",
      ].sort(),
    );
    expect(damaged).toBe(5);
    for (const { message } of findings) expect(message).toMatch(/push|delete/);
  });

  it("repairs what follows from other files, and only then changes anything", async () => {
    const driver = await fresh();
    const subject = await pushImage(driver);
    const referrer = await pushImage(driver, { annotations: { is: "signature" }, ...subjectOf(subject) }, []);
    const { referrers, manifests } = openRegistry(driver).repository(name);
    await referrers.list(subject);
    await driver.write(paths.layerLink(name, layer), encode(""));
    await driver.write(paths.revisionLink(name, subject), encode("sha256:"));
    await driver.delete(paths.referrerLink(name, subject, referrer), { fileOnly: true });
    await driver.write(paths.referrerLink(name, layer, referrer), encode("{}"));
    const stale = digestOf(encode("stale"));
    await driver.write(paths.referrerLink(name, subject, stale), encode("{}"));
    const wrong = ["layer-link", "manifest-link", "referrer-missing", "referrer-stale", "referrer-stale"];
    const found = (await kindsOf(driver)).filter(
      (kind) => !kind.startsWith("manifest-incomplete") && !kind.startsWith("tag-"),
    );
    expect([...found].sort()).toEqual(wrong);
    const repaired = (await kindsOf(driver, { repair: true })).filter((kind) => kind.endsWith("repaired"));
    expect([...repaired].sort()).toEqual(wrong.map((kind) => `${kind} repaired`));
    expect(await kindsOf(driver)).toEqual([]);
    expect((await manifests.get(subject)).digest).toBe(subject);
    expect((await referrers.list(subject)).items.map((each) => each.digest)).toEqual([referrer]);
  });

  it("links no bytes as a manifest that aren't one", async () => {
    const driver = await fresh();
    await pushImage(driver);
    await driver.write(paths.revisionLink(name, layer), encode("sha256:"));
    expect(await kindsOf(driver, { repair: true })).toEqual(["manifest-link"]);
    expect(await failureOf(openRegistry(driver).repository(name).manifests.get(layer))).toMatchObject({
      code: "MANIFEST_UNKNOWN",
    });
  });

  it("doesn't ask of a cache what it fetches on demand", async () => {
    const driver = await fresh();
    await pushImage(driver);
    await driver.delete(paths.layerLink(name, layer), { fileOnly: true });
    expect(await kindsOf(driver)).toEqual(["manifest-incomplete"]);
    expect(await kindsOf(driver, { isCache: () => true })).toEqual([]);
  });

  it("continues where it was interrupted, at any call", { timeout: 60_000 }, async () => {
    for (let moment = 1; ; moment += 1) {
      const driver = await fresh();
      await pushImage(driver);
      await driver.write(paths.blobData(layer), encode("LAYER"));
      let calls = 0;
      const killed = refusing(driver, () => (++calls >= moment ? new Error("killed") : undefined));
      const failure = await failureOf(scrub(killed));
      const { blobs, findings, manifests } = await scrub(driver);
      expect({ moment, kinds: findings.map(({ kind }) => kind) }).toEqual({ moment, kinds: ["blob-damaged"] });
      expect([blobs, manifests]).toEqual([3, 1]);
      if (failure === undefined) return;
    }
  });

  it("isn't misled by a push or a delete between two looks", async () => {
    const driver = await fresh();
    const digest = await pushImage(driver);
    const { manifests } = openRegistry(driver).repository(name);
    await driver.write(paths.blobData(layer), encode("LAYER"));
    let reads = 0;
    const watched = refusing(driver, async (operation, path) => {
      // The blob is pushed again before the second look, and the manifest deleted before its references are looked at.
      if (operation === "open" && path === paths.blobData(layer) && ++reads === 2) await putBlob(driver, name, "layer");
      if (operation === "read" && path === paths.blobData(digest))
        await manifests.delete(digest).catch(() => undefined);
      return undefined;
    });
    expect(await kindsOf(watched)).toEqual([]);
    expect(reads).toBe(2);
  });

  it("runs the checks of others for each repository", async () => {
    const driver = await fresh();
    await pushImage(driver);
    const message = "differs";
    const run = () => Promise.resolve([{ kind: "check", damage: true, message } as const]);
    const { findings } = await scrub(driver, { checks: [{ name: "index", run }] });
    expect(findings.map((each) => each.message)).toEqual(["index: differs"]);
  });
};

describe("a scrub", () => {
  describeForStorages("scrub", body);

  describeForDrivers("quarantine", (fresh) => {
    quarantineSuite(fresh);

    it("leaves what a collector has hidden to it", async () => {
      const driver = await fresh();
      await pushImage(driver);
      await driver.move(paths.blobData(layer), condemnedPath(paths.blobData(layer), "id"));
      expect(await kindsOf(driver)).toEqual([]);
    });
  });
  describe("quarantine over object storage", () => {
    quarantineSuite(() => Promise.resolve(createInMemoryObjectStorage().driver));

    it("keeps the blob of no bytes", async () => {
      const { driver } = createInMemoryObjectStorage();
      await putBlob(driver, name, "");
      const empty = digestOf(encode(""));
      expect(await scrub(driver, { quarantine: true })).toMatchObject({ blobs: 1, findings: [] });
      const { blobs } = openRegistry(driver, { leases: { freshFor: -1 } }).repository(name);
      expect(await blobs.stat(empty, { keep: true })).toMatchObject({ size: 0 });
    });

    it("is refused without conditional writes", async () => {
      const { driver } = createInMemoryObjectStorage({ conditionalWrites: false });
      await expect(scrub(driver, { quarantine: true })).rejects.toThrow(QuarantineError);
    });
  });

  it("reads no faster than it may", async () => {
    const pace = createPace(10_000, undefined);
    const began = performance.now();
    for (let part = 0; part < 4; part += 1) await pace.take(1000);
    expect(performance.now() - began).toBeGreaterThan(380);
  });

  it("ends when it is told to, and keeps where it was", async () => {
    const driver = createInMemoryDriver();
    await pushImage(driver);
    const signal = AbortSignal.abort(new Error("stop"));
    expect(await failureOf(scrub(driver, { signal }))).toMatchObject({ message: "stop" });
    expect((await scrub(driver)).findings).toEqual([]);
  });
});
