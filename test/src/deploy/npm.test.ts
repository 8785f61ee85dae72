import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "@longshore/testkit/processes";
import { PROJECT } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { servesCompletely } from "./serves-completely.js";

it("the npm package brings no other, and serves completely", { timeout: 180_000 }, async () => {
  await using own = await makeTemporaryFolder("npm");
  const path = (name: string): string => join(own.path, name);
  await run(process.execPath, [join(PROJECT, "deploy/package/npm.mjs"), path("program")]);
  const { stdout } = await run("npm", ["pack", "--pack-destination", own.path, path("program")]);
  await run("npm", ["install", "--global", "--offline", "--prefix", path("usr"), path(stdout.trim())]);
  const listed = await run("npm", ["ls", "--global", "--all", "--parseable", "--prefix", path("usr")]);
  expect(listed.stdout.trim().split("\n")).toEqual([path("usr/lib"), path("usr/lib/node_modules/longshore")]);
  const program = path("usr/bin/registry");
  expect((await run(program, ["--version"])).stdout).toMatch(/^registry longshore \d/);
  await servesCompletely(program);
});
