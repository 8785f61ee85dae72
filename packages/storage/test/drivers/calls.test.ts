import fs from "node:fs";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nodeCalls } from "../../src/drivers/filesystem/calls.js";
import { temporaryDirectory } from "./temporary.js";

describe("making a directory", () => {
  let root: string;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    ({ path: root, remove } = await temporaryDirectory());
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await remove();
  });

  it("says that the file system is read-only, where Node says that something is missing", async () => {
    const first = join(root, "a");
    vi.spyOn(fs, "mkdir").mockImplementation((...parts: readonly unknown[]) => {
      const [path, options] = parts;
      const done = parts.at(-1);
      const code = path === first && typeof options === "number" ? "EROFS" : "ENOENT";
      if (typeof done === "function") done(Object.assign(new Error("refused"), { code }));
    });
    await expect(nodeCalls().mkdir(join(first, "b/c"))).rejects.toMatchObject({ code: "EROFS" });
  });

  it("leaves alone what is missing in truth, a dangling link", async () => {
    await symlink(join(root, "nowhere/at/all"), join(root, "link"));
    await expect(nodeCalls().mkdir(join(root, "link/a"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
