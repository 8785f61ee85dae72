import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import { createInMemoryDriver } from "../../../src/drivers/inmemory/driver.js";
import * as paths from "../../../src/layout/paths.js";
import { listRepositories } from "../../../src/store/catalog/catalog.js";
import { createFoundManifests } from "../../../src/store/manifests/revisions.js";
import {
  deleteAsOriginal,
  describeForDrivers,
  encode,
  imageOf,
  putBlob,
  putOriginal,
  refusing,
  repository,
} from "../support.js";

async function pages(driver: StorageDriver, limit: number): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const page = await listRepositories(driver, { after: seen.at(-1), limit });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    seen.push(...page.items);
    if (!page.more) return seen;
    expect(page.items).toHaveLength(limit);
  }
}

const byBytes = (names: readonly string[]) => [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));

describeForDrivers("the catalog", (open) => {
  it("is empty over empty storage", async () => {
    expect(await listRepositories(await open())).toEqual({ items: [], more: false });
  });

  it("is ordered by the bytes of whole names, in pages that skip none", async () => {
    const driver = await open();
    const names = ["q", "q-b", "q-b/x", "q-b-c/y", "q.c/z", "q/0", "q/a", "q/a/b", "q0", "FOO/bar", "a/b/c/d", "z"];
    for (const name of names) await putOriginal(driver, repository(name), imageOf());
    expect((await listRepositories(driver)).items).toEqual(byBytes(names));
    for (let limit = 1; limit <= names.length + 1; limit++) expect(await pages(driver, limit)).toEqual(byBytes(names));
    expect(await listRepositories(driver, { after: "q-b", limit: 2 })).toEqual({
      items: ["q-b-c/y", "q-b/x"],
      more: true,
    });
    expect(await listRepositories(driver, { limit: 0 })).toEqual({ items: [], more: false });
  });

  it("includes only repositories with a manifest", async () => {
    const driver = await open();
    await putBlob(driver, repository("only/blobs"), "x");
    await driver.write(paths.uploadStartedAt(repository("only/uploads"), "u"), encode("2026-01-01T00:00:00Z"));
    const emptied = repository("emptied");
    for (let i = 0; i < 70; i++) {
      await deleteAsOriginal(driver, emptied, await putOriginal(driver, emptied, imageOf({ n: i }), "t"));
    }
    await putOriginal(driver, repository("kept"), imageOf());
    await driver.write(`${paths.REPOSITORIES_DIRECTORY}/Not-A-Name!`.replace("!", "_"), encode(""));
    expect((await listRepositories(driver)).items).toEqual(["kept"]);
    await putOriginal(driver, emptied, imageOf({ n: 71 }));
    expect((await listRepositories(driver)).items).toEqual(["emptied", "kept"]);
  });

  it("includes a repository with more children than one look shows", async () => {
    const driver = await open();
    const below = Array.from({ length: 12 }, (_, index) => `many/${index}0`);
    for (const name of ["many", ...below]) await putOriginal(driver, repository(name), imageOf());
    await driver.write(`${paths.REPOSITORIES_DIRECTORY}/many/_manifest.old/file`, encode(""));
    expect((await listRepositories(driver)).items).toEqual(byBytes(["many", ...below]));
  });

  it("looks again at a repository whose remembered manifest is gone", async () => {
    const driver = await open();
    const found = createFoundManifests(10);
    const list = () => listRepositories(driver, {}, found).then(({ items }) => items);
    const first = await putOriginal(driver, repository("one"), imageOf({ n: 1 }));
    expect(await list()).toEqual(["one"]);
    await deleteAsOriginal(driver, repository("one"), first);
    expect(await list()).toEqual([]);
    await putOriginal(driver, repository("one"), imageOf({ n: 2 }));
    expect(await list()).toEqual(["one"]);
    await putOriginal(driver, repository("two"), imageOf({ n: 1 }));
    expect(await list()).toEqual(["one", "two"]);
  });

  it("accepts any string to continue from", async () => {
    const driver = await open();
    for (const name of ["a", "a/b", "c"]) await putOriginal(driver, repository(name), imageOf());
    const after = (text: string) => listRepositories(driver, { after: text }).then(({ items }) => items);
    expect(await after("a/")).toEqual(["a/b", "c"]);
    expect(await after("/")).toEqual(["a", "a/b", "c"]);
    expect(await after("..")).toEqual(["a", "a/b", "c"]);
    expect(await after("../../etc")).toEqual(["a", "a/b", "c"]);
    expect(await after("a/".repeat(20_000))).toEqual(["a/b", "c"]);
    expect(await after("a-".repeat(20_000))).toEqual(["a/b", "c"]);
    expect(await after("\u{10FFFF}")).toEqual([]);
    expect(await after("a\0")).toEqual(["a/b", "c"]);
  });
});

describe("the catalog's walk", () => {
  it("matches sorting all names, wherever a page begins", async () => {
    const component = fc.stringMatching(/^[ab0]([-.]?[ab0]){0,2}$/);
    const name = fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    await fc.assert(
      fc.asyncProperty(
        fc.array(name, { maxLength: 12 }),
        fc.oneof(name, fc.string({ unit: fc.constantFrom("a", "b", "-", ".", "/", "0"), maxLength: 5 })),
        fc.integer({ min: 1, max: 5 }),
        async (names, after, limit) => {
          const driver = createInMemoryDriver();
          for (const one of names) await putOriginal(driver, repository(one), imageOf());
          const following = byBytes(names).filter((one) => one > after);
          expect(await listRepositories(driver, { after })).toEqual({ items: following, more: false });
          expect(await listRepositories(driver, { after, limit })).toEqual({
            items: following.slice(0, limit),
            more: following.length > limit,
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  it("reads about a page of entries, however many there are", async () => {
    const driver = createInMemoryDriver();
    for (let i = 0; i < 500; i++) await putOriginal(driver, repository(`p/r${String(i).padStart(4, "0")}`), imageOf());
    let calls = 0;
    const counted = refusing(driver, () => void calls++);
    const page = await listRepositories(counted, { after: "p/r0250", limit: 10 });
    expect(page.items.at(0)).toBe("p/r0251");
    expect(calls).toBeLessThan(80);
  });
});
