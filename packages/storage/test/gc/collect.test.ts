import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CollectError } from "../../src/gc/collect.js";
import * as paths from "../../src/layout/paths.js";
import { digestOf } from "../../src/model/digest.js";
import { parseRepositoryName } from "../../src/model/repository-name.js";
import { parseTagName } from "../../src/model/tag.js";
import { orUndefined } from "../../src/store/shared/links.js";
import { encode, putBlob, putOriginal } from "../store/support.js";
import {
  cacheIndexOf,
  collect,
  describeForStorages,
  hasBytes,
  hasLayerLink,
  hasRevision,
  imageOf,
  indexOfImages,
  registryOver,
  UNTAGGED,
} from "./support.js";

const name = parseRepositoryName("library/alpine");
const other = parseRepositoryName("library/busybox");

describeForStorages("collecting", (open) => {
  it("removes unreferenced blobs, with their links and empty directories", async () => {
    const driver = await open();
    const [config, layer] = [await putBlob(driver, name, "config"), await putBlob(driver, name, "layer")];
    const manifest = await putOriginal(driver, name, imageOf(config, [layer]), "v1");
    const garbage = await putBlob(driver, name, "garbage");
    const { result, lines } = await collect(driver);
    expect(result).toMatchObject({ marked: 3, eligibleBlobs: 1, removedBlobs: 1, removedLinks: 1, freedBytes: 7 });
    for (const kept of [config, layer, manifest]) expect(await hasBytes(driver, kept)).toBe(true);
    expect(await hasLayerLink(driver, name, layer)).toBe(true);
    expect(await hasBytes(driver, garbage)).toBe(false);
    expect(await hasLayerLink(driver, name, garbage)).toBe(false);
    expect(await orUndefined(driver.stat(paths.blobDirectory(garbage)))).toBeUndefined();
    expect(lines).toEqual([
      "library/alpine",
      `library/alpine: marking manifest ${manifest} `,
      `library/alpine: marking blob ${config}`,
      `library/alpine: marking blob ${layer}`,
      "",
      "3 blobs marked, 1 blobs and 0 manifests eligible for deletion",
      `blob eligible for deletion: ${garbage}`,
      `library/alpine: layer link eligible for deletion: ${garbage}`,
    ]);
  });

  it("keeps what a tag link with a newline names, and removes nothing while one of NULs may refer to anything", async () => {
    const driver = await open();
    const manifest = await putOriginal(driver, name, imageOf(await putBlob(driver, name, "config"), []), "v1");
    const link = paths.tagCurrentLink(name, parseTagName("v1"));
    await driver.write(link, encode(`${manifest}\n`));
    await collect(driver, UNTAGGED);
    expect(await hasRevision(driver, name, manifest)).toBe(true);
    await driver.write(link, encode("\0".repeat(71)));
    await expect(collect(driver, UNTAGGED)).rejects.toThrow(CollectError);
    expect(await hasRevision(driver, name, manifest)).toBe(true);
  });

  it("keeps young blobs, and reports how many", async () => {
    const driver = await open();
    const garbage = await putBlob(driver, name, "garbage");
    const { result } = await collect(driver, { grace: 60_000 });
    expect(result).toMatchObject({ eligibleBlobs: 0, young: 1, youngBytes: 7 });
    expect(await hasBytes(driver, garbage)).toBe(true);
    expect(await hasLayerLink(driver, name, garbage)).toBe(true);
  });

  it("removes nothing in a dry run, and reports the same", async () => {
    const driver = await open();
    const garbage = await putBlob(driver, name, "garbage");
    const untagged = await putOriginal(driver, name, imageOf(await putBlob(driver, name, "config"), []));
    await putOriginal(driver, name, indexOfImages([]), "v1");
    const dry = await collect(driver, { dryRun: true, ...UNTAGGED });
    expect(await hasBytes(driver, garbage)).toBe(true);
    expect(await hasRevision(driver, name, untagged)).toBe(true);
    const wet = await collect(driver, UNTAGGED);
    expect(dry.lines).toEqual(wet.lines);
    expect(dry.removed).toEqual([]);
    expect(wet.result).toMatchObject({ removedBlobs: 3, removedManifests: 1 });
  });

  it("succeeds over empty storage, and leaves nothing there", async () => {
    const driver = await open();
    const { lines } = await collect(driver);
    expect(lines).toEqual(["", "0 blobs marked, 0 blobs and 0 manifests eligible for deletion"]);
    expect((await orUndefined(driver.list("/")))?.names ?? []).toEqual([]);
  });

  it("removes the blobs of repositories without manifests", async () => {
    const driver = await open();
    const layer = await putBlob(driver, other, "abandoned");
    await collect(driver);
    expect(await hasBytes(driver, layer)).toBe(false);
    expect(await hasLayerLink(driver, other, layer)).toBe(false);
  });

  it("keeps a link to bytes that another repository uses", async () => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    await putOriginal(driver, name, imageOf(config, []), "v1");
    await putBlob(driver, other, "config");
    await collect(driver);
    expect(await hasLayerLink(driver, other, config)).toBe(true);
  });

  it("removes links that lead nowhere", async () => {
    const driver = await open();
    const layer = await putBlob(driver, name, "lost");
    await driver.delete(paths.blobData(layer));
    const { result } = await collect(driver);
    expect(result).toMatchObject({ removedBlobs: 0, removedLinks: 1 });
    expect(await hasLayerLink(driver, name, layer)).toBe(false);
  });

  it("leaves uploads alone", async () => {
    const driver = await open();
    const { uploads } = registryOver(driver).repository(name);
    const { uuid } = await uploads.start();
    await collect(driver, UNTAGGED);
    expect((await uploads.status(uuid)).size).toBe(0);
  });

  it("keeps content under its own algorithm, and the target of Distribution's sha512 links", async () => {
    const driver = await open();
    const own = await putBlob(driver, name, "own", "sha512");
    const target = await putBlob(driver, other, "aliased");
    const alias = digestOf(encode("aliased"), "sha512");
    await driver.write(paths.layerLink(name, alias), encode(target));
    await putOriginal(driver, name, imageOf(own, [alias]), "v1");
    const unused = await putBlob(driver, name, "unused", "sha384");
    await collect(driver);
    for (const kept of [own, target]) expect(await hasBytes(driver, kept)).toBe(true);
    expect(await hasLayerLink(driver, name, alias)).toBe(true);
    expect(await hasBytes(driver, unused)).toBe(false);
  });

  it("keeps the layers of schema 1 manifests, including those that registry 2.1 linked among the layers", async () => {
    const driver = await open();
    const layers = [await putBlob(driver, name, "one"), await putBlob(driver, name, "two")];
    const schema1 = (layer: string) => ({ schemaVersion: 1, name, tag: "v1", fsLayers: [{ blobSum: layer }] });
    const linked = await putOriginal(driver, name, schema1(layers[0] ?? ""), "v1");
    const old = await putBlob(driver, name, JSON.stringify(schema1(layers[1] ?? "")));
    const { problems, result } = await collect(driver);
    for (const digest of [...layers, linked, old]) expect(await hasBytes(driver, digest)).toBe(true);
    expect(problems).toEqual([]);
    expect(result.marked).toBe(4);
  });

  it("reports an unparsable manifest, keeps everything its repository links, and continues", async () => {
    const driver = await open();
    const kept = await putBlob(driver, name, "perhaps used");
    const untagged = await putOriginal(driver, name, indexOfImages([]));
    const broken = await putOriginal(driver, name, { schemaVersion: 7 });
    const garbage = await putBlob(driver, other, "garbage");
    for (const options of [{}, UNTAGGED]) {
      const { problems } = await collect(driver, options);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(`library/alpine: manifest ${broken} can't be understood`);
      for (const digest of [kept, untagged, broken]) expect(await hasBytes(driver, digest)).toBe(true);
      expect(await hasRevision(driver, name, untagged)).toBe(true);
    }
    expect(await hasBytes(driver, garbage)).toBe(false);
  });

  it("doesn't mistake truncated bytes for a manifest", async () => {
    const driver = await open();
    const layer = await putBlob(driver, name, "layer");
    const manifest = await putOriginal(driver, name, imageOf(layer, []), "v1");
    await driver.write(paths.blobData(manifest), encode(indexOfImages([])));
    const { problems } = await collect(driver);
    expect(problems[0]).toContain("its bytes aren't those of its digest");
    expect(await hasBytes(driver, layer)).toBe(true);
  });

  it("sweeps nothing if a directory can't be a repository and yet holds links", async () => {
    const driver = await open();
    const garbage = await putBlob(driver, name, "garbage");
    await driver.write(`${paths.REPOSITORIES_DIRECTORY}/UPPER/_manifests/revisions/sha256/x/link`, encode("x"));
    await expect(collect(driver)).rejects.toThrow(CollectError);
    await expect(collect(driver)).rejects.toThrow(/^failed to mark: .*UPPER/);
    expect(await hasBytes(driver, garbage)).toBe(true);
  });

  it("keeps untagged manifests unless told otherwise", async () => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    const manifest = await putOriginal(driver, name, imageOf(config, []));
    await collect(driver);
    expect(await hasRevision(driver, name, manifest)).toBe(true);
    const { result, lines } = await collect(driver, UNTAGGED);
    expect(result).toMatchObject({ eligibleManifests: 1, removedManifests: 1, removedBlobs: 2 });
    expect(lines).toContain(`manifest eligible for deletion: {library/alpine ${manifest} []}`);
    expect(lines).toContain("manifest tags path of repository library/alpine does not exist");
    expect(await hasRevision(driver, name, manifest)).toBe(false);
    expect(await hasBytes(driver, config)).toBe(false);
  });

  it("keeps young untagged manifests by their own age", async () => {
    const driver = await open();
    const manifest = await putOriginal(driver, name, indexOfImages([]));
    await collect(driver, { deleteUntagged: { age: 60_000 } });
    expect(await hasRevision(driver, name, manifest)).toBe(true);
  });

  it("keeps children of tagged indexes at any depth, and direct and indirect referrers of what is kept", async () => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    const child = await putOriginal(driver, name, imageOf(config, []));
    const inner = await putOriginal(driver, name, indexOfImages([child, digestOf(encode("sparse"))]));
    await putOriginal(driver, name, indexOfImages([inner]), "v1");
    const signed = { subject: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: child, size: 1 } };
    const referrer = await putOriginal(driver, name, indexOfImages([], signed));
    const further = { subject: { mediaType: "application/vnd.oci.image.index.v1+json", digest: referrer, size: 1 } };
    const referrerOfReferrer = await putOriginal(driver, name, indexOfImages([], further));
    const stray = { subject: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: config, size: 1 } };
    const unneeded = await putOriginal(driver, name, indexOfImages([], stray));
    await collect(driver, UNTAGGED);
    for (const kept of [child, inner, referrer, referrerOfReferrer]) {
      expect(await hasRevision(driver, name, kept)).toBe(true);
      expect(await hasBytes(driver, kept)).toBe(true);
    }
    expect(await hasBytes(driver, config)).toBe(true);
    expect(await hasRevision(driver, name, unneeded)).toBe(false);
  });

  it("keeps the blobs that an index names as long as the index is kept", async () => {
    const driver = await open();
    const kept = [await putBlob(driver, name, "layer"), await putBlob(driver, name, "description")] as const;
    const old = [await putBlob(driver, name, "old layer"), await putBlob(driver, name, "old description")] as const;
    const index = await putOriginal(driver, name, cacheIndexOf([kept[0]], kept[1]), "cache");
    const former = await putOriginal(driver, name, cacheIndexOf([old[0]], old[1]));
    await collect(driver);
    for (const digest of [...kept, ...old]) {
      expect(await hasBytes(driver, digest)).toBe(true);
      expect(await hasLayerLink(driver, name, digest)).toBe(true);
    }
    await collect(driver, UNTAGGED);
    expect(await hasRevision(driver, name, index)).toBe(true);
    expect(await hasRevision(driver, name, former)).toBe(false);
    for (const digest of kept) expect(await hasLayerLink(driver, name, digest)).toBe(true);
    for (const digest of old) expect(await hasBytes(driver, digest)).toBe(false);
  });

  it("removes deleted referrers from their subjects' lists, and deleted manifests from the tags' history", async () => {
    const driver = await open();
    const { manifests, referrers } = registryOver(driver).repository(name);
    const subject = digestOf(encode("a subject that isn't here"));
    const body = indexOfImages([], {
      subject: { mediaType: "application/vnd.oci.image.index.v1+json", digest: subject, size: 1 },
    });
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const tag = parseTagName("v1");
    const { descriptor } = await manifests.put({ bytes: encode(body), mediaType, tags: [tag] });
    await manifests.put({ bytes: encode(indexOfImages([])), mediaType, tags: [tag] });
    expect((await referrers.list(subject)).items).toHaveLength(1);
    await collect(driver, UNTAGGED);
    expect((await referrers.list(subject)).items).toEqual([]);
    expect(await orUndefined(driver.stat(paths.referrerDirectory(name, subject, descriptor.digest)))).toBeUndefined();
    expect(await orUndefined(driver.stat(paths.tagIndexLink(name, tag, descriptor.digest)))).toBeUndefined();
  });

  it("removes a manifest from one repository while another keeps it, and the bytes stay", async () => {
    const driver = await open();
    const manifest = await putOriginal(driver, name, indexOfImages([]));
    await putOriginal(driver, other, indexOfImages([]), "v1");
    await collect(driver, UNTAGGED);
    expect(await hasRevision(driver, name, manifest)).toBe(false);
    expect(await hasBytes(driver, manifest)).toBe(true);
  });

  it("removes what an interrupted collection left", async () => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    await putOriginal(driver, name, imageOf(config, []), "v1");
    const garbage = await Promise.all(
      Array.from({ length: 20 }, (_, index) => putBlob(driver, name, `garbage ${index}`)),
    );
    const work = await mkdtemp(join(tmpdir(), "longshore-gc-"));
    try {
      const stop = new AbortController();
      const interrupted = collect(driver, {
        workDirectory: work,
        concurrency: 1,
        signal: stop.signal,
        observer: { removed: () => stop.abort(new Error("interrupted")) },
      });
      await expect(interrupted).rejects.toThrow("interrupted");
      const left = await Promise.all(garbage.map((digest) => hasBytes(driver, digest)));
      expect(left).toContain(true);
      expect(left).toContain(false);
      await collect(driver, { workDirectory: work });
      for (const digest of garbage) {
        expect(await hasBytes(driver, digest)).toBe(false);
        expect(await hasLayerLink(driver, name, digest)).toBe(false);
      }
      expect(await hasBytes(driver, config)).toBe(true);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
});
