import fs from "node:fs";
import { expect, it, vi } from "vitest";
import { nodeCalls } from "../../src/drivers/filesystem/calls.js";

type Done = (error: Error) => void;

const isDone = (part: unknown): part is Done => typeof part === "function";

it("reports a read-only file system where Node's recursive mkdir says ENOENT", async () => {
  vi.spyOn(fs, "mkdir").mockImplementation((...parts: readonly unknown[]) => {
    const [path, options] = parts;
    const code = path === "/disk/a" && typeof options === "number" ? "EROFS" : "ENOENT";
    parts.filter(isDone).forEach((done) => done(Object.assign(new Error("refused"), { code })));
  });
  try {
    await expect(nodeCalls().mkdir("/disk/a/b/c")).rejects.toMatchObject({ code: "EROFS" });
  } finally {
    vi.restoreAllMocks();
  }
});
