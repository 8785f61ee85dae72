import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { Registry } from "../../../src/contract/registry.js";
import { isStorageError } from "../../../src/errors.js";
import { createInMemoryDriver } from "../../../src/drivers/inmemory/driver.js";
import * as paths from "../../../src/layout/paths.js";
import { digestOf, type Digest } from "../../../src/model/digest.js";
import { parseManifest } from "../../../src/model/manifest/parse.js";
import { referencesOf } from "../../../src/model/manifest/references.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/model/media-types.js";
import type { RepositoryName } from "../../../src/model/repository-name.js";
import { openRegistry } from "../../../src/store/open-registry.js";
import { collect, describeForStorages, hasBytes, hasLayerLink, indexOfImages } from "../../gc/support.js";
import { createInMemoryObjectStorage } from "../../drivers/in-memory-object-storage.js";
import { encode, endOrWait, failureOf, imageOf, putBlob, refusing, repository, tag } from "../support.js";

const name = repository("team/app");
const below = repository("team/app/tools");
const other = repository("team/other");
const v1 = tag("v1");

/** A registry as a process of its own. */
const open = (driver: StorageDriver): Registry => openRegistry(driver);

const PATIENCE = 120_000;

/** Content that several repositories share, and a manifest that they don't. */
async function pushImage(
  driver: StorageDriver,
  {
    into = name,
    is = "image",
    tags = ["v1"],
    ...rest
  }: { into?: RepositoryName; is?: string; tags?: string[]; subject?: object } = {},
): Promise<Digest> {
  await putBlob(driver, into, "config");
  await putBlob(driver, into, "layer");
  const body = imageOf({ annotations: { is }, ...rest });
  const { manifests } = open(driver).repository(into);
  const { descriptor } = await manifests.put({ bytes: encode(body), mediaType: OCI_MANIFEST, tags: tags.map(tag) });
  return descriptor.digest;
}

async function pushIndex(driver: StorageDriver, children: readonly Digest[], tags = ["multi"]): Promise<Digest> {
  const { manifests } = open(driver).repository(name);
  const bytes = encode(indexOfImages(children));
  const { descriptor } = await manifests.put({ bytes, mediaType: OCI_INDEX, tags: tags.map(tag) });
  return descriptor.digest;
}

/** What is wrong with the repository: tags without their manifests, and manifests that lack something. */
async function faultsIn(driver: StorageDriver, of: RepositoryName): Promise<readonly string[]> {
  const { manifests, tags, blobs } = open(driver).repository(of);
  const faults: string[] = [];
  const look = async (what: string, work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => faults.push(`${what}: ${String(error)}`));
  };
  for (const digest of (await manifests.list()).items) {
    const { bytes, mediaType } = await manifests.get(digest);
    for (const { kind, descriptor } of referencesOf(parseManifest(bytes, mediaType))) {
      const child = descriptor.digest;
      await look(digest, kind === "blob" ? blobs.stat(child) : manifests.get(child));
    }
  }
  const listed = await tags.list().catch(() => ({ items: [] }));
  for (const each of listed.items)
    await look(
      each,
      tags.resolve(each).then((digest) => manifests.get(digest)),
    );
  return faults;
}

interface Interleaving {
  readonly prepare: (driver: StorageDriver) => Promise<unknown>;
  readonly work: (driver: StorageDriver) => Promise<unknown>;
  /** Runs before one of the calls that `work` makes to the storage: once before each. */
  readonly meanwhile: (driver: StorageDriver) => Promise<unknown>;
  readonly check: (
    driver: StorageDriver,
    outcomes: { readonly work: unknown; readonly meanwhile: unknown },
  ) => Promise<void>;
}

async function atEachCall(fresh: () => Promise<StorageDriver>, { prepare, work, meanwhile, check }: Interleaving) {
  for (let moment = 1; ; moment += 1) {
    const driver = await fresh();
    await prepare(driver);
    let calls = 0;
    let begun: ReturnType<typeof endOrWait> | undefined;
    const watched = refusing(driver, async () => {
      calls += 1;
      if (calls === moment) await (begun = endOrWait(driver, (inner) => failureOf(meanwhile(inner)))).either;
      return undefined;
    });
    const worked = await failureOf(work(watched));
    const other = await begun?.end;
    if (calls < moment) return moment - 1;
    await check(driver, { work: worked, meanwhile: other });
  }
}

const body = (fresh: () => Promise<StorageDriver>): void => {
  it("is unknown at once to every process, with its tags, manifests, referrers and sessions", async () => {
    const driver = await fresh();
    const reader = open(driver);
    const subject = await pushImage(driver, { tags: ["v1", "latest"] });
    const referrer = await pushImage(driver, {
      is: "signature",
      tags: [],
      subject: { mediaType: OCI_MANIFEST, digest: subject, size: 1 },
    });
    await pushImage(driver, { into: below });
    await pushImage(driver, { into: other });
    const { uuid } = await reader.repository(name).uploads.start();
    // What this process knows by now must not outlive the repository.
    const known = reader.repository(name);
    expect((await known.manifests.get(await known.tags.resolve(v1))).digest).toBe(subject);
    expect((await known.referrers.list(subject)).items.map(({ digest }) => digest)).toEqual([referrer]);

    const removed: string[] = [];
    const result = await open(driver).remove(name, { onRemoved: ({ kind }) => removed.push(kind) });
    expect(result).toEqual({ manifests: 2, tags: 2, uploads: 1, left: 0 });
    expect(removed.sort()).toEqual(["manifest", "manifest", "tag", "tag", "upload"]);

    expect(await reader.repositories()).toMatchObject({ items: [other, below].sort() });
    for (const registry of [reader, open(driver)]) {
      const { tags, manifests, referrers, uploads } = registry.repository(name);
      expect(await failureOf(tags.resolve(v1))).toMatchObject({ code: "TAG_UNKNOWN" });
      expect(await failureOf(tags.list())).toMatchObject({ code: "NAME_UNKNOWN" });
      expect(await failureOf(manifests.get(subject))).toMatchObject({ code: "MANIFEST_UNKNOWN" });
      expect(await referrers.list(subject)).toMatchObject({ items: [] });
      expect(await failureOf(uploads.status(uuid))).toMatchObject({ code: "UPLOAD_UNKNOWN" });
    }
    expect(await failureOf(reader.remove(name))).toMatchObject({ code: "NAME_UNKNOWN" });
    expect(await faultsIn(driver, below)).toEqual([]);
    expect(await faultsIn(driver, other)).toEqual([]);
  });

  it("gives up its links and its bytes at the next collection, and nothing of what others have", async () => {
    const driver = await fresh();
    const digest = await pushImage(driver);
    const own = await putBlob(driver, name, "own");
    await pushImage(driver, { into: other });
    const shared = digestOf(encode("layer"));
    await open(driver).remove(name);
    const { result } = await collect(driver);
    expect(result).toMatchObject({ removedBlobs: 1, problems: 0 });
    expect([await hasBytes(driver, own), await hasBytes(driver, shared)]).toEqual([false, true]);
    expect(await hasLayerLink(driver, name, shared)).toBe(false);
    expect(await hasBytes(driver, digest)).toBe(true);
    expect(await faultsIn(driver, other)).toEqual([]);
    const left = await driver.list(paths.repositoryDirectory(repository("team"))).catch(() => ({ names: [] }));
    expect(left.names).toEqual(["other"]);
  });

  it("keeps the links of a repository that was removed, in a dry run and while the grace period lasts", async () => {
    const driver = await fresh();
    await pushImage(driver);
    await pushImage(driver, { into: other });
    const shared = digestOf(encode("layer"));
    await open(driver).remove(name);
    await collect(driver, { dryRun: true });
    expect(await hasLayerLink(driver, name, shared)).toBe(true);
    await collect(driver, { grace: 60_000 });
    expect(await hasLayerLink(driver, name, shared)).toBe(true);
    await collect(driver);
    expect(await hasLayerLink(driver, name, shared)).toBe(false);
  });

  it("can be pushed to again, and keeps what the new manifests need", async () => {
    const driver = await fresh();
    await pushImage(driver);
    await pushImage(driver, { into: other });
    await open(driver).remove(name);
    // Without sending the blobs again: they are still linked.
    const bytes = encode(imageOf({ annotations: { is: "new" } }));
    await open(driver)
      .repository(name)
      .manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: [v1] });
    await collect(driver);
    expect(await faultsIn(driver, name)).toEqual([]);
    expect((await open(driver).repositories()).items).toContain(name);
  });

  it("removes tags that are damaged or point nowhere", async () => {
    const driver = await fresh();
    const digest = await pushImage(driver);
    await driver.write(paths.tagCurrentLink(name, tag("torn")), encode("sha256:12"));
    await driver.write(paths.tagCurrentLink(name, tag("dangling")), encode(digestOf(encode("nothing"))));
    await driver.write(paths.tagIndexLink(name, tag("left"), digest), encode(digest));
    await open(driver).remove(name);
    expect(await driver.list(paths.tagsDirectory(name)).catch(() => ({ names: [] }))).toMatchObject({ names: [] });
  });

  it("is gone if a removal that was interrupted at any call is repeated", { timeout: PATIENCE }, async () => {
    // Every third call: neighbouring ones differ little.
    for (let moment = 1; ; moment += 3) {
      const driver = await fresh();
      const child = await pushImage(driver, { is: "child", tags: [] });
      await pushIndex(driver, [child]);
      await pushImage(driver);
      let calls = 0;
      const killed = refusing(driver, () => (++calls >= moment ? new Error("killed") : undefined));
      const failure = await failureOf(open(killed).remove(name));
      const again = await failureOf(open(driver).remove(name));
      expect(again === undefined || isStorageError(again, "NAME_UNKNOWN")).toBe(true);
      expect((await open(driver).repositories()).items).toEqual([]);
      const { tags, manifests } = open(driver).repository(name);
      expect((await manifests.list()).items).toEqual([]);
      expect(await failureOf(tags.resolve(v1))).toMatchObject({ code: "TAG_UNKNOWN" });
      if (failure === undefined) return;
    }
  });
};

const races = (fresh: () => Promise<StorageDriver>): void => {
  const pushes = {
    "of the same image": (driver: StorageDriver) => pushImage(driver),
    "of another image under its tag": (driver: StorageDriver) => pushImage(driver, { is: "another" }),
    "of an index of what is there": (driver: StorageDriver) =>
      pushIndex(driver, [digestOf(encode(imageOf({ annotations: { is: "child" } })))]),
  };
  const prepare = async (driver: StorageDriver): Promise<void> => {
    await pushImage(driver, { is: "child", tags: [] });
    await pushImage(driver);
  };
  const isWhole = async (driver: StorageDriver, outcome: unknown): Promise<void> => {
    if (outcome !== undefined) expect(outcome).toMatchObject({ code: "MANIFEST_REFERENCES_UNKNOWN" });
    expect(await faultsIn(driver, name)).toEqual([]);
  };

  it.each(Object.entries(pushes))(
    "leaves each push whole, or refuses it: a push %s at each call of a removal",
    { timeout: PATIENCE },
    async (_which, push) => {
      const calls = await atEachCall(fresh, {
        prepare,
        work: (driver) => open(driver).remove(name),
        meanwhile: push,
        check: async (driver, { work, meanwhile }) => {
          expect(work).toBeUndefined();
          await isWhole(driver, meanwhile);
        },
      });
      expect(calls).toBeGreaterThan(20);
    },
  );

  it.each(Object.entries(pushes))(
    "leaves each push whole, or refuses it: a removal at each call of a push %s",
    { timeout: PATIENCE },
    async (_which, push) => {
      await atEachCall(fresh, {
        prepare,
        work: push,
        meanwhile: (driver) => open(driver).remove(name),
        check: (driver, { work }) => isWhole(driver, work),
      });
    },
  );
};

describe("a repository that is removed", () => {
  describeForStorages("removal", body);
  // In memory: the protocol is that of real files, without the time that a sync takes.
  describe("while pushes arrive, over files", () => races(() => Promise.resolve(createInMemoryDriver())));
  describe("while pushes arrive, over object storage", () => {
    races(() => Promise.resolve(createInMemoryObjectStorage().driver));
  });
});
