import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startDockerEngine } from "../clients/docker-engine.js";
import { isPeerName, type PeerName } from "@longshore/testkit/peer-list";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { type Page, parsePage, readPages } from "./markdown.js";
import { isRun, needsOf, runPage } from "./session.js";

const TIMEOUT = 300_000;

for (const page of (await readPages()).filter(({ blocks }) => blocks.some(isRun))) {
  const [first, ...others] = needsOf(page).map(peerOf);
  const suite = `commands of ${page.path}`;
  const body = () => {
    it("work, and print what the page shows", { timeout: TIMEOUT }, async () => {
      expect((await runWithPeers(page)).differences).toEqual([]);
    });
  };
  if (first === undefined) describe(suite, body);
  else describePeers(suite, [first, ...others], body);
}

it("no page runs the tests from within the tests", async () => {
  const blocks = (await readPages()).flatMap(({ path, blocks: all }) =>
    all.filter(isRun).map((block) => ({ path, ...block })),
  );
  const nested = blocks.filter(({ text }) => /\bnpm (?:run )?test|\bvitest\b|test\/run\.mjs|\.ci\/run/.test(text));
  expect(nested.map(({ path, line }) => `${path}:${line}: mark it no-run`)).toEqual([]);
});

describe("a page with a mistake", () => {
  const fence = "```";

  it("fails by its line when a command fails", async () => {
    const page = parsePage("docs/x", `${fence}sh\ntrue\n${fence}\n\n${fence}sh\nfalse\n${fence}\n`);
    await expect(runPage(page)).rejects.toThrow(/exit 1[^]*line 5/);
  });

  it("is known by an output that differs", async () => {
    const page = parsePage("docs/x", `${fence}sh\necho one two\n${fence}\n${fence}text output\none …ee\n${fence}\n`);
    expect((await runPage(page)).differences).toHaveLength(1);
  });
});

function peerOf(name: string): PeerName {
  if (!isPeerName(name)) throw new Error(`needs=${name}: not a known program`);
  return name;
}

/** Docker's commands talk to an engine of the test's own, which has an image `alpine`, as if it had been pulled. */
async function runWithPeers(page: Page) {
  if (!needsOf(page).includes("docker")) return runPage(page);
  await using engine = await startDockerEngine();
  await using folder = await makeTemporaryFolder("image");
  await mkdir(join(folder.path, "etc"));
  await writeFile(join(folder.path, "etc/alpine-release"), "3\n");
  await engine.docker(["import", await archive(folder.path), "alpine:latest"]);
  return await runPage(page, engine.env);
}

async function archive(folder: string): Promise<string> {
  const path = join(folder, "image.tar");
  await run("tar", ["--create", "--file", path, "--directory", folder, "etc"]);
  return path;
}
