import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../../src/contract/driver.js";
import { isStorageError } from "../../src/errors.js";
import { COLLECTOR_LOCK, HIDDEN_DIRECTORY, hiddenPath, leasePath } from "../../src/layout/collector-files.js";
import * as paths from "../../src/layout/paths.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { parseManifest } from "../../src/model/manifest/parse.js";
import { referencesOf } from "../../src/model/manifest/references.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/model/media-types.js";
import { parseRepositoryName } from "../../src/model/repository-name.js";
import { parseTagName } from "../../src/model/tag.js";
import { orUndefined } from "../../src/store/shared/links.js";
import { openRegistry, type RegistryOptions } from "../../src/store/open-registry.js";
import { createInMemoryObjectStorage } from "../drivers/in-memory-object-storage.js";
import { encode, putBlob, putOriginal } from "../store/support.js";
import { AT_ONCE, cacheIndexOf, collect, hasBytes, imageOf, indexOfImages, registryOver, UNTAGGED } from "./support.js";

const name = parseRepositoryName("library/alpine");
const tag = parseTagName("v1");

/** The clock allows for 20 ms; this leaves one: what was written before the collection is old, later writes aren't. */
const SHARP = -19;

/** Enough for a few hundred collections on a busy machine (ms). */
const PATIENCE = 120_000;

/** The initial content, and what is pushed during the collection. */
interface Scenario {
  readonly prepare: (driver: StorageDriver) => Promise<{ readonly body: unknown; readonly mediaType: string }>;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "an image of blobs that nothing refers to": {
    prepare: async (driver) => ({
      body: imageOf(await putBlob(driver, name, "config"), [await putBlob(driver, name, "layer")]),
      mediaType: OCI_MANIFEST,
    }),
  },
  "an image that is there untagged": {
    prepare: async (driver) => {
      const body = imageOf(await putBlob(driver, name, "config"), []);
      await putOriginal(driver, name, body);
      return { body, mediaType: OCI_MANIFEST };
    },
  },
  "an index of blobs": {
    prepare: async (driver) => {
      const layer = await putBlob(driver, name, "layer");
      return { body: cacheIndexOf([layer], await putBlob(driver, name, "description")), mediaType: OCI_INDEX };
    },
  },
  "an index of an index that is there untagged": {
    prepare: async (driver) => {
      const child = await putOriginal(driver, name, imageOf(await putBlob(driver, name, "config"), []));
      const inner = await putOriginal(driver, name, indexOfImages([child]));
      return { body: indexOfImages([inner]), mediaType: OCI_INDEX };
    },
  },
};

const later = async (): Promise<void> => {
  const from = Date.now();
  await expect.poll(() => Date.now() - from, { interval: 1 }).toBeGreaterThan(2);
};

/** What is missing from an acknowledged manifest. */
async function faultsOf(driver: StorageDriver, digest: Digest): Promise<readonly string[]> {
  const { manifests, blobs } = registryOver(driver).repository(name);
  try {
    const { bytes, mediaType } = await manifests.get(digest);
    const faults: string[] = [];
    for (const { kind, descriptor } of referencesOf(parseManifest(bytes, mediaType))) {
      if (kind === "manifest") faults.push(...(await faultsOf(driver, descriptor.digest)));
      else await (await blobs.open(descriptor.digest)).close();
    }
    return faults;
  } catch (error) {
    if (isStorageError(error)) return [error.message];
    throw error;
  }
}

interface Trial {
  readonly conditionalWrites: boolean;
  readonly scenario: Scenario;
  /** The side whose request is interrupted: the other side runs to its end before the request takes effect. */
  readonly interrupted: "collection" | "push";
  /** The number of the interrupted request, from 1. */
  readonly at: number;
  readonly lockWait?: number;
  readonly leases?: RegistryOptions["leases"];
}

/** Runs one order of events and returns what went wrong; undefined if there are fewer requests. */
async function tryOrder({ conditionalWrites, scenario, interrupted, at, lockWait = 0, leases }: Trial) {
  let count = 0;
  let isWatched = false;
  let other = (): Promise<unknown> => Promise.resolve();
  const { driver } = createInMemoryObjectStorage({
    conditionalWrites,
    onRequest: async (kind) => {
      // An interruption before a listing, or between two reads of the marking, comes to the same as one before the next request.
      if (!isWatched || kind === "ListObjects" || kind === "GetObject") return;
      count += 1;
      if (count !== at) return;
      isWatched = false;
      await other();
    },
  });
  const { body, mediaType } = await scenario.prepare(driver);
  const { manifests } = openRegistry(driver, { leases: { collectorSeenFor: 0, ...leases } }).repository(name);
  const pushed = { isTaken: false };
  const push = async (): Promise<void> => {
    try {
      await manifests.put({ bytes: encode(body), mediaType, tags: [tag] });
      pushed.isTaken = true;
    } catch (error) {
      if (!isStorageError(error, "MANIFEST_REFERENCES_UNKNOWN")) throw error;
    }
  };
  const gather = () => collect(driver, { grace: SHARP, deleteUntagged: { age: SHARP }, lockWait, concurrency: 1 });
  await later();
  const [first, second] = interrupted === "collection" ? [gather, push] : [push, gather];
  other = second;
  isWatched = true;
  await first();
  isWatched = false;
  if (count < at) return undefined;
  const digest = digestOf(encode(body));
  const faults = pushed.isTaken ? [...(await faultsOf(driver, digest))] : [];
  if ((await orUndefined(driver.stat(HIDDEN_DIRECTORY))) !== undefined) faults.push("something stays hidden");
  if ((await orUndefined(driver.stat(COLLECTOR_LOCK))) !== undefined) faults.push("the lock stays");
  return { faults: faults.map((fault) => `${interrupted} ${at}: ${fault}`), ...pushed };
}

/** Every order in which the two interrupt each other once. */
async function tryAll(trial: Omit<Trial, "at">) {
  const faults: string[] = [];
  let taken = 0;
  let orders = 0;
  for (;;) {
    const found = await tryOrder({ ...trial, at: orders + 1 });
    if (found === undefined) return { faults, taken, orders };
    orders += 1;
    faults.push(...found.faults);
    if (found.isTaken) taken += 1;
  }
}

describe.each([true, false])("the handshake over object storage, conditional writes: %s", (conditionalWrites) => {
  // Conditional writes only decide which collector gets the lock.
  describe.each(Object.entries(SCENARIOS).slice(0, conditionalWrites ? undefined : 1))(
    "with %s",
    (_title, scenario) => {
      it(
        "holds when the push comes before any request of the collection",
        async () => {
          const { faults, taken, orders } = await tryAll({ conditionalWrites, scenario, interrupted: "collection" });
          expect(faults).toEqual([]);
          expect(orders).toBeGreaterThan(15);
          // Late pushes are refused, and most come early enough.
          expect(taken).toBeGreaterThan(orders / 3);
        },
        PATIENCE,
      );

      it(
        "holds when the collection comes before any request of the push",
        async () => {
          const { faults, orders } = await tryAll({ conditionalWrites, scenario, interrupted: "push" });
          expect(faults).toEqual([]);
          expect(orders).toBeGreaterThan(5);
        },
        PATIENCE,
      );

      it(
        "holds for a push that relies on having seen no collector, since collectors wait for such pushes",
        async () => {
          const times = { lockWait: 30, leases: { collectorSeenFor: 20 } };
          const { faults } = await tryAll({ conditionalWrites, scenario, interrupted: "push", ...times });
          expect(faults).toEqual([]);
        },
        PATIENCE,
      );
    },
  );

  it(
    "would break without leases",
    async () => {
      const scenario = SCENARIOS["an image of blobs that nothing refers to"];
      if (scenario === undefined) throw new Error("there is no such scenario");
      const leases = { renewed: false };
      const { faults } = await tryAll({ conditionalWrites, scenario, interrupted: "collection", leases });
      expect(faults.join("\n")).toMatch(/is unknown|unknown blob|not known/);
    },
    PATIENCE,
  );

  it(
    "would break if collectors didn't wait for pushes that saw none",
    async () => {
      const scenario = SCENARIOS["an image of blobs that nothing refers to"];
      if (scenario === undefined) throw new Error("there is no such scenario");
      const leases = { collectorSeenFor: 60_000 };
      const { faults } = await tryAll({ conditionalWrites, scenario, interrupted: "push", leases });
      expect(faults.join("\n")).toMatch(/is unknown|unknown blob|not known/);
    },
    PATIENCE,
  );
});

describe("what dead collectors leave behind over object storage", () => {
  const lockOf = (run: string) => encode({ version: 1, run, owner: "a process that died", runs: [run], beat: 3 });

  it("remains readable, and is restored for requests that rely on it and by the next collection", async () => {
    const { driver } = createInMemoryObjectStorage();
    const config = await putBlob(driver, name, "config");
    const manifest = await putOriginal(driver, name, imageOf(config, []), "v1");
    for (const path of [paths.blobData(config), paths.layerLink(name, config), paths.revisionLink(name, manifest)]) {
      await driver.move(path, hiddenPath("dead", path));
    }
    await driver.write(COLLECTOR_LOCK, lockOf("dead"));
    const { blobs, manifests } = registryOver(driver).repository(name);
    expect((await manifests.get(manifest)).digest).toBe(manifest);
    expect((await blobs.stat(config)).size).toBe(6);
    expect(await hasBytes(driver, config)).toBe(false);
    await blobs.stat(config, { keep: true });
    expect(await hasBytes(driver, config)).toBe(true);
    // Its lock is still valid.
    await expect(collect(driver)).rejects.toThrow(
      /a process that died collects over this storage; its lock is good until/,
    );
    await driver.delete(COLLECTOR_LOCK);
    await collect(driver, UNTAGGED);
    expect(await faultsOf(driver, manifest)).toEqual([]);
    expect(await orUndefined(driver.stat(COLLECTOR_LOCK))).toBeUndefined();
  });

  it("stays deleted if a client deletes it meanwhile", async () => {
    const { driver } = createInMemoryObjectStorage();
    const config = await putBlob(driver, name, "config");
    await driver.move(paths.layerLink(name, config), hiddenPath("dead", paths.layerLink(name, config)));
    await driver.write(COLLECTOR_LOCK, lockOf("dead"));
    await registryOver(driver).repository(name).blobs.delete(config);
    expect(await orUndefined(driver.stat(HIDDEN_DIRECTORY))).toBeUndefined();
  });
});

describe("leases over object storage", () => {
  it("are written for old content, not for new", async () => {
    const { driver, requests, reset } = createInMemoryObjectStorage();
    const layer = await putBlob(driver, name, "layer");
    for (const [freshFor, written] of [
      [60_000, 0],
      [-1, 1],
    ] as const) {
      reset();
      await registryOver(driver, { freshFor }).repository(name).blobs.stat(layer, { keep: true });
      expect(requests.filter((line) => line === `PutObject ${leasePath(paths.blobData(layer))}`)).toHaveLength(written);
    }
  });

  it.each(["PUT", "PATCH"])("are written for a blob that is pushed again while a collector runs: %s", async (how) => {
    const { driver } = createInMemoryObjectStorage();
    const bytes = encode("layer");
    const layer = await putBlob(driver, name, "layer");
    const lease = leasePath(paths.blobData(layer));
    const push = async (): Promise<void> => {
      const { uploads } = openRegistry(driver).repository(name);
      const { uuid } = await uploads.start();
      const bodyOf = () => ({ bytes: Readable.from([bytes.slice()]), offset: 0, length: bytes.length });
      if (how === "PATCH") await uploads.append(uuid, bodyOf());
      await uploads.commit(uuid, layer, how === "PATCH" ? undefined : bodyOf());
    };
    await push();
    expect(await orUndefined(driver.stat(lease))).toBeUndefined();
    await driver.write(
      COLLECTOR_LOCK,
      encode({ version: 1, run: "other", owner: "another", runs: ["other"], beat: 1 }),
    );
    await push();
    expect(await orUndefined(driver.stat(lease))).toBeDefined();
  });

  it("keep an old blob, and are removed with it", async () => {
    const { driver } = createInMemoryObjectStorage();
    const layer = await putBlob(driver, name, "layer");
    await later();
    await registryOver(driver, { freshFor: -1 }).repository(name).blobs.mount(layer, name);
    const { modified } = await driver.stat(leasePath(paths.blobData(layer)));
    expect((await collect(driver, { grace: Date.now() - modified.getTime() + 1000 })).result.young).toBe(1);
    expect((await collect(driver, { grace: AT_ONCE })).result.removedBlobs).toBe(1);
    expect(await orUndefined(driver.stat(paths.BLOBS_DIRECTORY))).toBeUndefined();
  });
});
