import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createFilesystemDriver } from "../../src/drivers/filesystem/driver.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { COLLECTOR_LOCK } from "../../src/layout/collector-files.js";
import * as paths from "../../src/layout/paths.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import { parseRepositoryName } from "../../src/model/repository-name.js";
import { parseTagName } from "../../src/model/tag.js";
import { hasLink, orUndefined, readLink } from "../../src/store/shared/links.js";
import { runLength } from "@longshore/testkit/run-length";
import { createInMemoryObjectStorage } from "../drivers/in-memory-object-storage.js";
import { encode, putBlob, putOriginal } from "../store/support.js";
import { collect, hasBytes, hasRevision, imageOf, registryOver, UNTAGGED } from "./support.js";

const live = parseRepositoryName("library/live");
const late = parseRepositoryName("library/late");
const tag = parseTagName("v1");

/** The collection is killed at one in so many of its calls. */
const STRIDE = runLength({ short: 20, long: 1, variable: "INTERRUPTED_STRIDE" });
/** Long enough for the full form on a busy machine. */
const PATIENCE = 600_000;

/** Fails call number `count` and every later one, as if the process had been killed there. */
function killedAt(
  driver: StorageDriver,
  count: number,
): { readonly driver: StorageDriver; readonly calls: () => number } {
  let calls = 0;
  const proxy = new Proxy(driver, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== "function") return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        calls += 1;
        if (calls >= count) throw new Error("killed");
        const result: unknown = await Reflect.apply(member, target, args);
        return result;
      };
    },
  });
  return { driver: proxy, calls: () => calls };
}

/** The driver ten minutes later, when another collection may take over the lock of a killed one. */
function withOldLock(driver: StorageDriver): StorageDriver {
  const aged = async (...call: Parameters<StorageDriver["stat"]>) => {
    const info = await driver.stat(...call);
    return call[0] === COLLECTOR_LOCK ? { ...info, modified: new Date(info.modified.getTime() - 600_000) } : info;
  };
  return new Proxy(driver, { get: (target, key): unknown => (key === "stat" ? aged : Reflect.get(target, key)) });
}

/** What a store holds before the interrupted collection, all of it old. */
interface Store {
  readonly kept: Digest;
  readonly config: Digest;
  readonly layer: Digest;
  /** Unreferenced, and never requested. */
  readonly garbage: readonly Digest[];
  /** Untagged. */
  readonly untagged: Digest;
}

/** `late` may use what a deleted manifest left behind: linked layers without references. */
async function fill(driver: StorageDriver): Promise<Store> {
  const config = await putBlob(driver, late, "config");
  const layer = await putBlob(driver, late, "layer");
  const garbage = await Promise.all(["a", "b", "c"].map((text) => putBlob(driver, live, text)));
  const own = await putBlob(driver, live, "own");
  const kept = await putOriginal(driver, live, imageOf(own, []), "v1");
  const untagged = await putOriginal(driver, late, imageOf(config, [], { annotations: { untagged: "yes" } }));
  return { kept, config, layer, garbage, untagged };
}

/** Writes between two collections. Returns the manifests whose storage was acknowledged. */
type Writer = (driver: StorageDriver, store: Store) => Promise<readonly Digest[]>;

const image = ({ config, layer }: Store) => imageOf(config, [layer]);

/** Whether a registry that doesn't know hidden files answers 200 to HEAD; leases stay old, as they are. */
const isServed = async (driver: StorageDriver, digest: Digest): Promise<boolean> =>
  (await hasLink(driver, paths.layerLink(late, digest), digest)) && hasBytes(driver, digest);

const WRITERS: Readonly<Record<string, Writer>> = {
  nobody: () => Promise.resolve([]),
  "a push to Longshore": async (driver, store) => {
    const { blobs, manifests } = registryOver(driver).repository(late);
    for (const [digest, content] of [
      [store.config, "config"],
      [store.layer, "layer"],
    ] as const) {
      const found = await blobs.stat(digest).catch(() => undefined);
      if (found === undefined) await putBlob(driver, late, content);
    }
    const bytes = encode(image(store));
    return [(await manifests.put({ bytes, mediaType: OCI_MANIFEST, tags: [tag] })).descriptor.digest];
  },
  "a push to Distribution": async (driver, store) => {
    if (!(await isServed(driver, store.config))) await putBlob(driver, late, "config");
    if (!(await isServed(driver, store.layer))) await putBlob(driver, late, "layer");
    return [await putOriginal(driver, late, image(store), "v1")];
  },
  "a restored backup": async (driver, store) => {
    await putBlob(driver, late, "config");
    await putBlob(driver, late, "layer");
    return [await putOriginal(driver, late, image(store), "v1")];
  },
  "a tag that Distribution sets": async (driver, { untagged }) => {
    if (!(await hasRevision(driver, late, untagged)) || !(await hasBytes(driver, untagged))) return [];
    await driver.write(paths.tagCurrentLink(late, tag), encode(untagged));
    return (await isServed(driver, digestOf(encode("config")))) ? [untagged] : [];
  },
};

/** What is missing from the acknowledged manifest `digest` in the repository `late`. */
async function missingOf(driver: StorageDriver, digest: Digest, store: Store): Promise<readonly string[]> {
  const missing: string[] = [];
  if (!(await hasRevision(driver, late, digest))) missing.push("the revision");
  if (!(await hasBytes(driver, digest))) missing.push("the manifest's bytes");
  const needs = digest === store.untagged ? [store.config] : [store.config, store.layer];
  for (const each of needs) {
    if (!(await hasBytes(driver, each))) missing.push(`blob ${each}`);
    if (!(await hasLink(driver, paths.layerLink(late, each), each))) missing.push(`layer link ${each}`);
  }
  if ((await readLink(driver, paths.tagCurrentLink(late, tag))) !== digest) missing.push("the tag");
  return missing;
}

const STORAGES: Readonly<Record<string, (root: string) => StorageDriver>> = {
  inmemory: () => createInMemoryDriver(),
  filesystem: (root) => createFilesystemDriver({ rootdirectory: root }),
  "object storage": () => createInMemoryObjectStorage().driver,
};

describe.each(Object.entries(STORAGES))("a collection over %s that is killed at each of its calls", (kind, open) => {
  let folder: string;
  let stores = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "longshore-interrupted-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const openStore = (): StorageDriver => open(join(folder, `store-${(stores += 1)}`));

  it.each([
    ["unused blobs", {}],
    ["untagged manifests, too", UNTAGGED],
  ])(
    "leaves intact what is acknowledged before the next one (%s)",
    async (_title, options) => {
      let interruptions = 0;
      let acknowledged = 0;
      for (const [writer, write] of Object.entries(WRITERS)) {
        for (let count = 1; ; count += STRIDE) {
          const driver = openStore();
          const store = await fill(driver);
          const workDirectory = join(folder, `work-${stores}`);
          const killed = killedAt(driver, count);
          const isKilled = await collect(killed.driver, { ...options, workDirectory, concurrency: 1 }).then(
            () => false,
            () => true,
          );
          if (!isKilled) break;
          interruptions += 1;
          const pushed = await write(driver, store);
          acknowledged += pushed.length;
          await collect(withOldLock(driver), { ...options, workDirectory, concurrency: 1 });
          const about = `${kind}, killed at call ${count}, then ${writer}`;
          for (const digest of pushed) {
            expect({ about, missing: await missingOf(driver, digest, store) }).toEqual({ about, missing: [] });
          }
          expect({ about, kept: await hasBytes(driver, store.kept) }).toEqual({ about, kept: true });
          for (const digest of store.garbage) {
            expect({ about, garbage: await orUndefined(driver.stat(paths.blobDirectory(digest))) }).toEqual({ about });
          }
          await driver.close();
        }
      }
      console.log(`${kind}: ${interruptions} interruptions, ${acknowledged} acknowledged manifests looked at`);
      expect(interruptions).toBeGreaterThan(0);
      expect(acknowledged).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});
