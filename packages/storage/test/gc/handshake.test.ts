import { expect, it } from "vitest";
import { storeBlob } from "@longshore/testkit/store-blob";
import type { StorageDriver } from "../../src/contract/driver.js";
import { condemn, fileHiding, type HiddenFile } from "../../src/gc/file-hiding.js";
import * as paths from "../../src/layout/paths.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/model/media-types.js";
import { parseRepositoryName } from "../../src/model/repository-name.js";
import { parseTagName } from "../../src/model/tag.js";
import { canTouch, type Touching } from "../../src/contract/driver.js";
import { seeHidden } from "../../src/store/leases/hidden-files.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { describeForDrivers, encode, failureOf, putBlob, putOriginal } from "../store/support.js";
import { AT_ONCE, collect, hasBytes, hasLayerLink, hasRevision, imageOf, indexOfImages, UNTAGGED } from "./support.js";

const name = parseRepositoryName("library/alpine");
const tag = parseTagName("v1");

/** The driver, with `before` called ahead of each call. */
function interrupted(
  driver: StorageDriver & Touching,
  before: (operation: string, path: string) => Promise<void>,
): StorageDriver & Touching {
  return new Proxy(driver, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== "function") return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        await before(String(property), String(args[0]));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}

async function hideIn(driver: StorageDriver & Touching, path: string): Promise<HiddenFile> {
  const hidden = await fileHiding(driver).hide(path);
  if (hidden === undefined) throw new Error(`nothing is at ${path}`);
  return hidden;
}

describeForDrivers("the handshake of collectors and pushes", (openAny) => {
  const open = async (): Promise<StorageDriver & Touching> => {
    const driver = await openAny();
    if (!canTouch(driver)) throw new Error("the driver has no real files");
    return driver;
  };

  /** Runs `meanwhile` once, when a collection with its own store is about to make the call. */
  const collectAround = async (
    driver: StorageDriver & Touching,
    isMoment: (operation: string, path: string) => boolean,
    meanwhile: () => Promise<void>,
    options = {},
  ): Promise<void> => {
    let isOver = false;
    const watched = interrupted(driver, async (operation, path) => {
      if (isOver || !isMoment(operation, path)) return;
      isOver = true;
      await meanwhile();
    });
    await collect(watched, { grace: 0, ...options });
    expect(isOver).toBe(true);
  };

  /** Waits until what was written so far is older than the clock's resolution. */
  const age = async (): Promise<void> => {
    const from = Date.now();
    await expect.poll(() => Date.now() - from).toBeGreaterThan(60);
  };

  const moments: readonly (readonly [string, (digest: Digest) => (operation: string, path: string) => boolean])[] = [
    [
      "before it hides the blob",
      (digest) => (operation, path) => operation === "move" && path === paths.blobData(digest),
    ],
    [
      "when the blob is hidden and its lease not yet checked",
      (digest) => (operation, path) => operation === "stat" && path.startsWith(`${paths.blobData(digest)}.condemned.`),
    ],
    [
      "when it has decided to remove the blob",
      (digest) => (operation, path) =>
        operation === "delete" && path.startsWith(`${paths.blobData(digest)}.condemned.`),
    ],
  ];

  it.each(moments)("a manifest that is pushed %s keeps the blob", async (_title, momentOf) => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    await age();
    const { manifests, blobs } = openRegistry(driver).repository(name);
    await collectAround(driver, momentOf(config), async () => {
      await manifests.put({ bytes: encode(imageOf(config, [])), mediaType: OCI_MANIFEST, tags: [tag] });
    });
    expect(await hasBytes(driver, config)).toBe(true);
    expect((await blobs.stat(config)).digest).toBe(config);
    await collect(driver, { grace: AT_ONCE });
    expect(await hasBytes(driver, config)).toBe(true);
  });

  it("a manifest that is pushed after the blob was removed is refused, and leaves nothing linked", async () => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    await age();
    const { manifests } = openRegistry(driver).repository(name);
    const bytes = encode(imageOf(config, []));
    await collectAround(
      driver,
      (operation, path) => operation === "move" && path === paths.layerLink(name, config),
      async () => {
        expect(await failureOf(manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: [tag] }))).toMatchObject({
          code: "MANIFEST_REFERENCES_UNKNOWN",
        });
      },
    );
    expect(await hasRevision(driver, name, digestOf(bytes))).toBe(false);
    expect(await hasLayerLink(driver, name, config)).toBe(false);
  });

  it("a blob that is uploaded again while its links are removed keeps the new link", async () => {
    const driver = await open();
    const layer = await putBlob(driver, name, "layer");
    await age();
    const { uploads, blobs } = openRegistry(driver).repository(name);
    await collectAround(
      driver,
      (operation, path) => operation === "move" && path === paths.layerLink(name, layer),
      async () => {
        await storeBlob({ uploads }, layer, encode("layer"));
      },
    );
    expect((await blobs.stat(layer)).size).toBe(5);
  });

  it.each(["mount", "head", "upload"])("a %s of an old blob keeps it", async (how) => {
    const driver = await open();
    const layer = await putBlob(driver, name, "layer");
    const { blobs, uploads } = openRegistry(driver, { leases: { freshFor: 0 } }).repository(name);
    await age();
    const start = Date.now();
    if (how === "mount") await blobs.mount(layer, name);
    else if (how === "head") await blobs.stat(layer, { keep: true });
    else await storeBlob({ uploads }, layer, encode("layer"));
    const { modified } = await driver.stat(paths.blobData(layer));
    expect(modified.getTime()).toBeGreaterThanOrEqual(start);
  });

  it("an untagged manifest that is tagged while it is hidden stays, with its children and their blobs", async () => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    const child = await putOriginal(driver, name, imageOf(config, []));
    const index = await putOriginal(driver, name, indexOfImages([child]));
    await age();
    const { manifests, tags } = openRegistry(driver).repository(name);
    await collectAround(
      driver,
      (operation, path) => operation === "delete" && path.includes(".condemned."),
      async () => {
        await manifests.put({ bytes: encode(indexOfImages([child])), mediaType: OCI_INDEX, tags: [tag] });
      },
      { deleteUntagged: { age: 0 } },
    );
    expect(await failureOf(tags.resolve(tag))).toBeUndefined();
    expect((await manifests.get(index)).digest).toBe(index);
    expect((await manifests.get(child)).digest).toBe(child);
    expect(await hasBytes(driver, config)).toBe(true);
  });

  it("a tag that is set between reading the tags and hiding the manifest is noticed", async () => {
    const driver = await open();
    const manifest = await putOriginal(driver, name, indexOfImages([]));
    await age();
    await collectAround(
      driver,
      (operation, path) => operation === "move" && path === paths.revisionLink(name, manifest),
      // Like a push that renewed its link before the collection began, and sets its tag late.
      () => driver.write(paths.tagCurrentLink(name, tag), encode(manifest)),
      { deleteUntagged: { age: 0 } },
    );
    expect(await hasRevision(driver, name, manifest)).toBe(true);
    expect(await hasBytes(driver, manifest)).toBe(true);
  });

  it("what a crash left hidden remains available to readers and to the next collection", async () => {
    const driver = await open();
    const config = await putBlob(driver, name, "config");
    const manifest = await putOriginal(driver, name, imageOf(config, []), "v1");
    for (const path of [paths.blobData(config), paths.layerLink(name, config), paths.revisionLink(name, manifest)]) {
      expect(await fileHiding(driver).hide(path)).toBeDefined();
    }
    await collect(driver, UNTAGGED);
    const { blobs, manifests } = openRegistry(driver).repository(name);
    expect((await manifests.get(manifest)).digest).toBe(manifest);
    expect((await blobs.stat(config)).size).toBe(6);
  });

  it("either the removal of a hidden file or its restoration succeeds, not both", async () => {
    const driver = await open();
    const path = paths.blobData(digestOf(encode("x")));
    for (let round = 0; round < 50; round += 1) {
      await driver.write(path, encode("x"));
      const hidden = await hideIn(driver, path);
      const [verdict, found] = await Promise.all([
        fileHiding(driver).remove(hidden),
        seeHidden(driver)
          .stat(path)
          .then(
            () => true,
            () => false,
          ),
      ]);
      const isThere = (await driver.list(paths.blobDirectory(digestOf(encode("x"))))).names.length === 1;
      expect(isThere).toBe(verdict === "kept");
      if (found) expect(isThere).toBe(true);
    }
  });

  it("restores a hidden file with a new lease, since it may replace a newer one", async () => {
    const driver = await open();
    const path = paths.blobData(digestOf(encode("x")));
    await driver.write(path, encode("x"));
    const hidden = await hideIn(driver, path);
    await age();
    const before = Date.now();
    await fileHiding(driver).restore(hidden);
    expect((await driver.stat(path)).modified.getTime()).toBeGreaterThanOrEqual(before);
  });

  it("reports a file that doesn't exist as missing, and keeps what is needed", async () => {
    const driver = await open();
    const path = paths.blobData(digestOf(encode("x")));
    expect(await condemn(fileHiding(driver), path, () => true)).toBe("missing");
    await driver.write(path, encode("x"));
    expect(await condemn(fileHiding(driver), path, () => false)).toBe("kept");
    expect(await condemn(fileHiding(driver), path, () => true, AbortSignal.abort())).toBe("kept");
    expect(await condemn(fileHiding(driver), path, () => true)).toBe("removed");
  });
});
