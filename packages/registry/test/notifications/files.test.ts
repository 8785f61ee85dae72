import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { writeWhole } from "../../src/notifications/outbox/files.js";

it("leaves nothing behind of a file that can't be written", async () => {
  await using directory = await makeTemporaryFolder("outbox");
  const path = join(directory.path, "1.jsonl");
  await mkdir(join(path, "in-the-way"), { recursive: true });
  await expect(writeWhole(join(directory.path, "1.part"), path, Buffer.from("{}\n"))).rejects.toThrow();
  expect(await readdir(directory.path)).toEqual(["1.jsonl"]);
});
