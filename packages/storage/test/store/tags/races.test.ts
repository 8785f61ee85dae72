import { describe, expect, it } from "vitest";
import { indexOf } from "@longshore/testkit/fixtures";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { Repository } from "../../../src/contract/registry.js";
import { isStorageError } from "../../../src/errors.js";
import * as paths from "../../../src/layout/paths.js";
import { digestOf, type Digest } from "../../../src/model/digest.js";
import { OCI_INDEX } from "../../../src/model/media-types.js";
import { openRegistry } from "../../../src/store/open-registry.js";
import { registryOver } from "../../gc/support.js";
import { createInMemoryObjectStorage } from "../../drivers/in-memory-object-storage.js";
import { describeForDrivers, encode, failureOf, refusing, repository, tag } from "../support.js";

const name = repository("library/alpine");
const v1 = tag("v1");
const subject = { mediaType: OCI_INDEX, digest: digestOf(encode("subject")), size: 1 };
const bodies = { old: indexOf([], { subject, annotations: { is: "old" } }), young: indexOf([]) };
const digests = { old: digestOf(encode(bodies.old)), young: digestOf(encode(bodies.young)) };

/** A repository as a separate process sees it. */
const open = (driver: StorageDriver): Repository => registryOver(driver).repository(name);

async function push(driver: StorageDriver, which: keyof typeof bodies): Promise<Digest> {
  const { manifests } = open(driver);
  const { descriptor } = await manifests.put({ bytes: encode(bodies[which]), mediaType: OCI_INDEX, tags: [v1] });
  return descriptor.digest;
}

interface Begun {
  readonly end: Promise<unknown>;
  /** Resolves when the request ends, or when it waits for the other one by checking the tag repeatedly. */
  readonly either: Promise<unknown>;
}

function endOrWait(driver: StorageDriver, work: (driver: StorageDriver) => Promise<unknown>): Begun {
  let looks = 0;
  let wake = (): void => undefined;
  const waits = new Promise<void>((resolve) => (wake = resolve));
  const watched = refusing(driver, (operation, path) => {
    if (operation === "readVersioned" && path === paths.tagCurrentLink(name, v1)) looks += 1;
    if (looks > 4) wake();
    return undefined;
  });
  const end = work(watched);
  return { end, either: Promise.race([end, waits]) };
}

/**
 * For each of the calls that `work` makes to the driver: runs it on fresh storage, with all of `meanwhile` just before that
 * call; then `check`.
 */
async function atEachCall(
  fresh: () => Promise<StorageDriver>,
  work: (repository: Repository) => Promise<unknown>,
  meanwhile: (driver: StorageDriver) => Promise<unknown>,
  check: (driver: StorageDriver, call: number) => Promise<void>,
): Promise<number> {
  for (let moment = 1; ; moment += 1) {
    const driver = await fresh();
    await push(driver, "old");
    let calls = 0;
    let begun: Begun | undefined;
    const watched = refusing(driver, async () => {
      calls += 1;
      if (calls === moment) await (begun = endOrWait(driver, meanwhile)).either;
      return undefined;
    });
    const outcome = await failureOf(work(open(watched)));
    await begun?.end;
    // A late request finds nothing to do.
    expect(outcome === undefined || isStorageError(outcome)).toBe(true);
    if (calls < moment) return moment - 1;
    await check(driver, moment);
  }
}

const body = (fresh: () => Promise<StorageDriver>): void => {
  const isStill = async (driver: StorageDriver, which: keyof typeof bodies, call: number): Promise<void> => {
    const found = await open(driver)
      .tags.resolve(v1)
      .catch((error: unknown) => error);
    expect({ call, found }).toEqual({ call, found: digests[which] });
    expect((await open(driver).manifests.get(digests[which])).digest).toBe(digests[which]);
  };

  it("stays where it was moved when the manifest that it pointed to is deleted", async () => {
    const calls = await atEachCall(
      fresh,
      ({ manifests }) => manifests.delete(digests.old),
      (driver) => push(driver, "young"),
      (driver, call) => isStill(driver, "young", call),
    );
    expect(calls).toBeGreaterThan(5);
  });

  it("is complete if the delete came first, and gone if it came last, when the same manifest is pushed", async () => {
    await atEachCall(
      fresh,
      ({ manifests }) => manifests.delete(digests.old),
      (driver) => push(driver, "old"),
      async (driver, call) => {
        const { manifests, tags, referrers } = open(driver);
        const target = await tags.resolve(v1).catch(() => undefined);
        const stored = await manifests.get(digests.old).catch(() => undefined);
        const listed = (await referrers.list(subject.digest)).items.length;
        const isThere = stored !== undefined;
        expect({ call, target, listed }).toEqual({
          call,
          target: isThere ? digests.old : undefined,
          listed: isThere ? 1 : 0,
        });
      },
    );
  });

  it("has the result of one of two requests when it is deleted and pushed concurrently", async () => {
    const ends = new Set<string>();
    await atEachCall(
      fresh,
      ({ tags }) => tags.delete(v1),
      (driver) => push(driver, "young"),
      async (driver) => {
        const target = await open(driver)
          .tags.resolve(v1)
          .catch(() => undefined);
        ends.add(target ?? "none");
        expect([undefined, digests.young]).toContain(target);
      },
    );
    expect([...ends].sort()).toEqual(["none", digests.young].sort());
  });

  it("survives a delete of its old manifest at any moment of the push", async () => {
    await atEachCall(
      fresh,
      ({ manifests }) => manifests.put({ bytes: encode(bodies.young), mediaType: OCI_INDEX, tags: [v1] }),
      (driver) =>
        open(driver)
          .manifests.delete(digests.old)
          .catch(() => undefined),
      (driver, call) => isStill(driver, "young", call),
    );
  });

  it("must be pushed again if the manifest is deleted as often as it is stored", async () => {
    const driver = await fresh();
    const sabotaged = refusing(driver, async (operation, path) => {
      // Just before the push checks that its link still exists: after the tag was written.
      if (operation === "stat" && path === paths.revisionLink(name, digests.young)) {
        await driver.delete(paths.revisionDirectory(name, digests.young)).catch(() => undefined);
      }
      return undefined;
    });
    const failure = await failureOf(
      open(sabotaged).manifests.put({ bytes: encode(bodies.young), mediaType: OCI_INDEX, tags: [v1] }),
    );
    expect(isStorageError(failure, "MANIFEST_CONTENDED")).toBe(true);
  });
};

const TITLE = "a tag that is pushed while something else is deleted";
describeForDrivers(TITLE, body);
// Without conditional writes this can't be guaranteed (docs/protocols/tags.md §Tags that move while they are deleted).
describe(`${TITLE} over object storage`, () => {
  body(() => Promise.resolve(createInMemoryObjectStorage().driver));
});

it("a push over object storage waits for the marker of a removal, and replaces that of a dead one", async () => {
  const { driver } = createInMemoryObjectStorage();
  const manifests = openRegistry(driver).repository(name).manifests;
  await driver.write(paths.tagCurrentLink(name, v1), encode(`sha256:${"ab".repeat(16)}`));
  const pushing = manifests.put({ bytes: encode(bodies.young), mediaType: OCI_INDEX, tags: [v1] });
  await expect.poll(async () => (await driver.list(paths.manifestsDirectory(name))).names).toContain("revisions");
  await driver.delete(paths.tagCurrentLink(name, v1));
  await pushing;
  expect(await openRegistry(driver).repository(name).tags.resolve(v1)).toBe(digests.young);
});
