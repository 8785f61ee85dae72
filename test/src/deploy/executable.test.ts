import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { findProgram } from "@longshore/testkit/peer-list";
import { describePeers } from "@longshore/testkit/peers";
import { attempt, run } from "@longshore/testkit/processes";
import { PROJECT } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { servesCompletely } from "./serves-completely.js";

const SCRIPT = join(PROJECT, "deploy/package/executable.mjs");

describePeers("the single-file executable", ["node26"], () => {
  let folder: string;
  let program: string;

  beforeAll(async () => {
    const own = await makeTemporaryFolder("executable");
    folder = own.path;
    program = join(folder, "registry");
    await run(findProgram("node-26") ?? "", [SCRIPT, program]);
    return () => own[Symbol.asyncDispose]();
  }, 120_000);

  it("says its version, its commands, and what is wrong", async () => {
    expect((await run(program, ["--version"])).stdout).toMatch(/^registry longshore \d/);
    expect((await run(program, ["help"])).stdout).toContain("garbage-collect");
    const refused = await attempt(program, ["serve", join(folder, "none.yml")]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("no such file") as string });
  });

  it("serves with two workers, compares passwords in threads, and has its page", () => servesCompletely(program));
});

it("an older Node is told what makes the single-file executable", async () => {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major >= 26) return;
  const refused = await attempt(process.execPath, [SCRIPT, "/tmp/never"]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("run this with Node 26") as string });
});
