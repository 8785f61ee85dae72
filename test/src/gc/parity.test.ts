import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeStore } from "../bench/gc/store.js";
import { describePeer } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROGRAM } from "@longshore/testkit/project";

/** What both say (wire contract §10.3): 2.8 knows no layer links, and names a manifest without its repository and tags. */
function common(output: string): readonly string[] {
  return output
    .split("\n")
    .filter((line) => !line.includes(": layer link eligible for deletion: "))
    .map((line) => {
      const [, digest] = /^manifest eligible for deletion: \{\S+ (\S+) \[.*\]\}$/.exec(line) ?? [];
      return digest === undefined ? line : `manifest eligible for deletion: ${digest}`;
    })
    .sort();
}

async function blobsOf(root: string): Promise<readonly string[]> {
  const names = await readdir(join(root, "docker/registry/v2/blobs"), { recursive: true });
  return names.filter((name) => name.endsWith("/data")).sort();
}

describePeer("docker-registry", () => {
  it.each([
    ["as it is", []],
    ["in a dry run", ["-d"]],
    ["with untagged manifests", ["-m"]],
    ["with untagged manifests, in a dry run", ["-m", "-d"]],
  ])("collects the same store as the original does, %s", async (_title, flags) => {
    await using folder = await makeTemporaryFolder("gc-parity");
    const roots = { theirs: join(folder.path, "theirs"), ours: join(folder.path, "ours") };
    await mkdir(roots.theirs);
    writeStore(roots.theirs, { images: 60, layers: 2, garbage: 10, repositories: 5 });
    await cp(roots.theirs, roots.ours, { recursive: true, preserveTimestamps: true });
    const configOf = async (root: string): Promise<string> => {
      await writeFile(`${root}.yml`, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${root}\n`);
      return `${root}.yml`;
    };
    const theirs = await run("docker-registry", ["garbage-collect", ...flags, await configOf(roots.theirs)]);
    const args = [PROGRAM, "garbage-collect", ...flags, "--grace-period", "0s", await configOf(roots.ours)];
    const ours = await run(process.execPath, args);
    expect(common(ours.stdout)).toEqual(common(theirs.stdout));
    expect(await blobsOf(roots.ours)).toEqual(await blobsOf(roots.theirs));
    expect(theirs.stdout).toMatch(/[1-9][0-9]* blobs and/);
  });
});
