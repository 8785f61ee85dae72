import { stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { testFolder } from "@longshore/testkit/test-folder";
import { makeDirectories } from "../src/make-directories.js";

describe("directories with their parents", () => {
  it("are created where missing, even by several callers at once", async () => {
    const path = join(await testFolder(), "a/b/c");
    await Promise.all(Array.from({ length: 8 }, () => makeDirectories(path, 0o700)));
    await makeDirectories(path);
    for (const each of [path, join(path, "..")]) expect((await stat(each)).mode & 0o777).toBe(0o700);
  });

  it.each(["/proc/longshore/a", "/proc/self/longshore/a/b"])(
    "can't be created in %s, and the call returns",
    async (path) => {
      await expect(makeDirectories(path)).rejects.toThrow(/ENOENT|EACCES|EPERM|EROFS/);
    },
  );

  it("can't be created in place of a file, below one, or through a dangling link", async () => {
    const root = await testFolder();
    await writeFile(join(root, "file"), "");
    await symlink(join(root, "nowhere"), join(root, "link"));
    await expect(makeDirectories(join(root, "file"))).rejects.toThrow("EEXIST");
    await expect(makeDirectories(join(root, "file/a"))).rejects.toThrow("ENOTDIR");
    await expect(makeDirectories(join(root, "link"))).rejects.toThrow("EEXIST");
  });
});
