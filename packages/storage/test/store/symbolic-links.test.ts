import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDriver } from "../../src/drivers/factory.js";
import { blobData, REPOSITORIES_DIRECTORY } from "../../src/layout/paths.js";
import { listRepositories } from "../../src/store/catalog/catalog.js";
import { purgeUploads } from "../../src/store/uploads/purge.js";
import { collect } from "../gc/support.js";
import { imageOf, putBlob, putOriginal, repository } from "./support.js";

/** A storage with the repositories `a/b` and `real`, and links created by an operator, or by an attacker on the volume. */
async function open(links: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), "longshore-links-"));
  const driver = await createDriver("filesystem", { rootdirectory: `${folder}/data` });
  const repositories = `${folder}/data${REPOSITORIES_DIRECTORY}`;
  for (const name of ["a/b", "real"]) await putOriginal(driver, repository(name), imageOf({ name }), "t");
  const outside = `${folder}/outside`;
  await mkdir(`${outside}/_uploads/6ba7b810-9dad-11d1-80b4-00c04fd430c8`, { recursive: true });
  await writeFile(`${outside}/_uploads/6ba7b810-9dad-11d1-80b4-00c04fd430c8/startedat`, "2020-01-01T00:00:00Z");
  for (const [path, target] of Object.entries(links))
    await symlink(target.replace("OUTSIDE", outside), `${repositories}/${path}`);
  const close = async (): Promise<void> => {
    await driver.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { driver, outside, [Symbol.asyncDispose]: close };
}

/** Links to each other and to their parents: followed, they would yield 2^127 names. */
const INSIDE = {
  "a/x": ".",
  "a/y": ".",
  up: ".",
  "a/z": "..",
  alias: "a",
  "a/c": "b",
  one: "two",
  two: "one",
  gone: "no",
};

describe("symbolic links below repositories", () => {
  it("to existing content, or to nothing: walks end, and visit each repository once", async () => {
    await using site = await open(INSIDE);
    const unused = await putBlob(site.driver, repository("real"), "unused");
    expect(await listRepositories(site.driver)).toEqual({ items: ["a/b", "real"], more: false });
    // If a client makes the walk start within a link.
    expect(await listRepositories(site.driver, { after: "a/x/x/a" })).toEqual({ items: ["real"], more: false });
    expect(await purgeUploads(site.driver, { olderThan: new Date() })).toMatchObject({ deleted: 0, errors: 0 });
    const { problems } = await collect(site.driver);
    expect(problems).toEqual([]);
    await expect(site.driver.stat(blobData(unused))).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
    expect(await listRepositories(site.driver)).toEqual({ items: ["a/b", "real"], more: false });
  });

  it.each([["OUTSIDE"], ["OUTSIDE/.."], ["../.."], ["a/b/_manifests"]])(
    "to %s: the catalog and the purge ignore it, and a collection removes nothing and says why",
    async (target) => {
      await using site = await open({ elsewhere: target });
      const unused = await putBlob(site.driver, repository("real"), "unused");
      expect((await listRepositories(site.driver)).items).toEqual(["a/b", "real"]);
      expect(await purgeUploads(site.driver, { olderThan: new Date() })).toMatchObject({ deleted: 0, errors: 0 });
      expect(await readdir(`${site.outside}/_uploads`)).toHaveLength(1);
      await expect(collect(site.driver)).rejects.toThrow(
        /repositories\/elsewhere is a symbolic link that leads out of .*; mount the directory there/,
      );
      await site.driver.stat(blobData(unused));
    },
  );
});
