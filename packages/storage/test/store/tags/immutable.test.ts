import { describe, expect, it } from "vitest";
import { indexOf } from "@longshore/testkit/fixtures";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { Repository } from "../../../src/contract/registry.js";
import { isStorageError } from "../../../src/errors.js";
import * as paths from "../../../src/layout/paths.js";
import { digestOf, type Digest } from "../../../src/model/digest.js";
import { OCI_INDEX } from "../../../src/model/media-types.js";
import { openRegistry } from "../../../src/store/open-registry.js";
import type { ImmutableTags } from "../../../src/store/tags/immutable.js";
import { createInMemoryObjectStorage } from "../../drivers/in-memory-object-storage.js";
import { describeForStorages } from "../../gc/support.js";
import { describeForDrivers, encode, failureOf, refusing, repository, tag } from "../support.js";

const name = repository("team/app");
const v1 = tag("v1");
const latest = tag("latest");
const immutable: ImmutableTags = (which) =>
  which === name ? (each) => (each.startsWith("v") ? "releases" : undefined) : undefined;

/** A repository as a separate process sees it. */
const open = (driver: StorageDriver): Repository =>
  openRegistry(driver, { immutable, leases: { collectorSeenFor: 0 } }).repository(name);

const bodyOf = (text: string) => encode(indexOf([], { annotations: { is: text } }));
const digestIn = (text: string): Digest => digestOf(bodyOf(text));

const push = async (driver: StorageDriver, text: string, ...tags: readonly string[]): Promise<unknown> =>
  open(driver).manifests.put({ bytes: bodyOf(text), mediaType: OCI_INDEX, tags: tags.map(tag) });

const codeOf = (error: unknown): unknown => (isStorageError(error) ? error.code : error);
const refusal = async (work: Promise<unknown>): Promise<unknown> => codeOf(await failureOf(work));

const isUnknown = async (driver: StorageDriver, text: string): Promise<boolean> =>
  (await refusal(open(driver).manifests.get(digestIn(text)))) === "MANIFEST_UNKNOWN";

describeForStorages("immutable tags", (fresh) => {
  it("aren't moved, and a refused push leaves nothing", async () => {
    const driver = await fresh();
    await push(driver, "one", "v1");
    const error = await failureOf(push(driver, "two", "latest", "v1"));
    expect(codeOf(error)).toBe("TAG_IMMUTABLE");
    expect(error).toHaveProperty(
      "message",
      `the tag v1 of team/app is immutable by the rule "releases": it points to ${digestIn("one")} and can't be moved; push under another tag`,
    );
    expect(await isUnknown(driver, "two")).toBe(true);
    expect(await refusal(open(driver).tags.resolve(latest))).toBe("TAG_UNKNOWN");
    expect(await open(driver).tags.resolve(v1)).toBe(digestIn("one"));
  });

  it("may be pushed again with the same digest, beside tags that move", async () => {
    const driver = await fresh();
    await push(driver, "one", "v1", "latest");
    await push(driver, "two", "latest");
    await push(driver, "one", "v1", "latest");
    expect(await open(driver).tags.resolve(latest)).toBe(digestIn("one"));
  });

  it("aren't deleted, nor is their manifest", async () => {
    const driver = await fresh();
    await push(driver, "one", "v1", "latest");
    expect(await refusal(open(driver).tags.delete(v1))).toBe("TAG_IMMUTABLE");
    expect(await refusal(open(driver).manifests.delete(digestIn("one")))).toBe("TAG_IMMUTABLE");
    await open(driver).tags.delete(latest);
    expect((await open(driver).manifests.get(digestIn("one"))).digest).toBe(digestIn("one"));
    expect(await refusal(open(driver).tags.delete(tag("v2")))).toBe("TAG_UNKNOWN");
  });

  it("keep their repository, until they are none any more", async () => {
    const driver = await fresh();
    await push(driver, "one", "v1");
    await push(driver, "two", "latest");
    const registry = (rules: ImmutableTags) =>
      openRegistry(driver, { immutable: rules, leases: { collectorSeenFor: 0 } });
    expect(await refusal(registry(immutable).remove(name))).toBe("TAG_IMMUTABLE");
    expect((await open(driver).tags.list()).items).toEqual(["latest", "v1"]);
    const others: ImmutableTags = () => (each) => (each === "v2" ? "releases" : undefined);
    expect(await registry(others).remove(name)).toMatchObject({ manifests: 2, tags: 2, left: 0 });
  });

  it("don't keep other manifests from being deleted", async () => {
    const driver = await fresh();
    await push(driver, "one", "v1");
    await push(driver, "two", "latest");
    expect(await open(driver).manifests.delete(digestIn("two"))).toEqual({ removedTags: ["latest"] });
    expect(await isUnknown(driver, "two")).toBe(true);
    const left = await driver.list(paths.algorithmRevisionsDirectory(name, "sha256"));
    expect(left.names).toHaveLength(1);
  });

  it("can be deleted and set anew if their link is damaged", async () => {
    const driver = await fresh();
    await push(driver, "one", "v1");
    const damage = () => driver.write(paths.tagCurrentLink(name, v1), encode("sha256:12"));
    await damage();
    await open(driver).tags.delete(v1);
    await push(driver, "two", "v1");
    await damage();
    await push(driver, "three", "v1");
    expect(await open(driver).tags.resolve(v1)).toBe(digestIn("three"));
  });
});

/** What an interleaving does. */
interface Interleaving {
  /** Opens the storage, as it is before. */
  readonly prepare: () => Promise<StorageDriver>;
  readonly work: (driver: StorageDriver) => Promise<unknown>;
  readonly meanwhile: (driver: StorageDriver) => Promise<unknown>;
  /** Whether `work` is killed when `meanwhile` has begun. */
  readonly crash?: boolean;
}

/**
 * Runs `work` on fresh storage with `meanwhile` just before its call number `moment`; undefined if it makes fewer calls.
 * Otherwise returns how both ended.
 */
async function atCall(moment: number, { prepare, work, meanwhile, crash = false }: Interleaving) {
  const driver = await prepare();
  let calls = 0;
  let between: Promise<unknown> | undefined;
  const watched = refusing(driver, async () => {
    calls += 1;
    if (calls === moment) {
      between = failureOf(meanwhile(driver));
      // A push that waits for a removal ends after it.
      await Promise.race([between, new Promise((resolve) => setTimeout(resolve, 500))]);
    }
    // Nothing that a killed process still asks for happens.
    if (crash && calls >= moment) throw new Error("killed");
    return undefined;
  });
  const worked = await failureOf(work(watched));
  return between === undefined ? undefined : { driver, worked, between: await between };
}

/** More than any of these makes. */
const MOST_CALLS = 60;

/** Interleaves at every call; all of them at once, because some wait for a removal that was killed. */
async function atEachCall(
  interleaving: Interleaving,
  check: (driver: StorageDriver, worked: unknown, between: unknown) => Promise<void>,
): Promise<void> {
  const moments = Array.from({ length: MOST_CALLS }, (_, index) => index + 1);
  const results = await Promise.all(moments.map((moment) => atCall(moment, interleaving)));
  expect(results.at(-1)).toBeUndefined();
  const reached = results.filter((result) => result !== undefined);
  expect(reached.length).toBeGreaterThan(3);
  for (const { driver, worked, between } of reached) await check(driver, worked, between);
}

const races = (fresh: () => Promise<StorageDriver>): void => {
  it("let one of two pushes win, whenever the other comes", async () => {
    const set = (text: string) => (driver: StorageDriver) => push(driver, text, "v1");
    await atEachCall({ prepare: fresh, work: set("one"), meanwhile: set("two") }, async (driver, one, two) => {
      const winner = await open(driver).tags.resolve(v1);
      expect([one, two].map(codeOf).sort()).toEqual(["TAG_IMMUTABLE", undefined].sort());
      expect(winner).toBe(digestIn(one === undefined ? "one" : "two"));
      expect((await open(driver).manifests.get(winner)).digest).toBe(winner);
    });
  });

  const isWhole = async (driver: StorageDriver, pushed: unknown): Promise<void> => {
    expect(pushed).toBeUndefined();
    expect(await open(driver).tags.resolve(v1)).toBe(digestIn("one"));
    expect((await open(driver).manifests.get(digestIn("one"))).digest).toBe(digestIn("one"));
  };
  const untagged = async (): Promise<StorageDriver> => {
    const driver = await fresh();
    await push(driver, "one");
    return driver;
  };
  const remove = (driver: StorageDriver) => open(driver).manifests.delete(digestIn("one"));

  it("keep their manifest, whenever it is deleted while they are set", { timeout: 60_000 }, async () => {
    const set = (driver: StorageDriver) => push(driver, "one", "v1");
    await atEachCall({ prepare: untagged, work: set, meanwhile: remove }, (driver, pushed) => isWhole(driver, pushed));
    await atEachCall({ prepare: untagged, work: remove, meanwhile: set }, (driver, _, pushed) =>
      isWhole(driver, pushed),
    );
  });

  it("keep their manifest if a delete of it is killed", { timeout: 60_000 }, async () => {
    const set = (driver: StorageDriver) => push(driver, "one", "v1");
    await atEachCall({ prepare: untagged, work: remove, meanwhile: set, crash: true }, (driver, _, pushed) =>
      isWhole(driver, pushed),
    );
  });

  it("point to one of many", async () => {
    const driver = await fresh();
    const texts = Array.from({ length: 50 }, (_, index) => `image ${index}`);
    const outcomes = await Promise.all(texts.map((text) => refusal(push(driver, text, "v1"))));
    expect(outcomes.filter((each) => each === undefined)).toHaveLength(1);
    expect(outcomes.filter((each) => each === "TAG_IMMUTABLE")).toHaveLength(49);
    const winner = texts[outcomes.indexOf(undefined)] ?? "";
    expect(await open(driver).tags.resolve(v1)).toBe(digestIn(winner));
  });
};

describeForDrivers("immutable tags in races", races);
describe("immutable tags in races over object storage", () => {
  races(() => Promise.resolve(createInMemoryObjectStorage().driver));
});
