import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KIB, MIB } from "@longshore/base/size";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { openSink } from "../../src/observability/sink.js";

/** What is in a file after `lines` were written to it. */
async function written(lines: readonly string[]): Promise<string> {
  await using folder = await makeTemporaryFolder("sink");
  const file = join(folder.path, "log");
  const fd = openSync(file, "w");
  const sink = openSink(fd);
  for (const line of lines) sink.write(line);
  sink.close();
  closeSync(fd);
  return await readFile(file, "utf8");
}

it("a log has its lines in their order, whatever their length and their characters", async () => {
  const lengths = [1, 64 * KIB, 3, 21 * KIB, 22 * KIB, 100 * KIB, 0, 5, 43 * KIB, 2];
  const lines = ["x", "ä", "…", "🐳"].flatMap((character) =>
    lengths.map((length) => `${character.repeat(length)}${length}\n`),
  );
  expect(await written(lines)).toBe(lines.join(""));
});

it("a log says how many lines it lost", async () => {
  const long = `${"l".repeat(30 * KIB)}\n`;
  const tooLong = `${"l".repeat(9 * MIB)}\n`;
  expect(await written([long, tooLong, "end\n"])).toBe(
    `${long}# 1 log lines dropped: the reader did not keep up\nend\n`,
  );
});
