import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { checkFiles } from "../../src/cli/verify/verify-files.js";
import { formatFinding } from "../../src/config/findings.js";
import { makePem } from "../../../../test/src/server/host-certificate.js";
import { configOf } from "../config/support.js";

const HOST = "registry.example";

async function found(cachefile: string): Promise<string[]> {
  const text = `version: 0.1\nstorage: inmemory\nhttp: {tls: {letsencrypt: {cachefile: ${cachefile}, hosts: [${HOST}]}}}\n`;
  return (await checkFiles(configOf(text), new Date())).map(formatFinding);
}

it("a folder that is there, or can be made, is fine", async () => {
  await using folder = await makeTemporaryFolder("verify");
  expect(await found(folder.path)).toEqual([]);
  expect(await found(join(folder.path, "a/b"))).toEqual([]);
  await writeFile(join(folder.path, HOST), (await makePem(HOST)).join(""));
  expect(await found(folder.path)).toEqual([]);
});

it("a folder below a file, a certificate that has expired, a file of registry:2", async () => {
  await using folder = await makeTemporaryFolder("verify");
  const file = join(folder.path, "file");
  await writeFile(file, "{}");
  expect(await found(join(file, "cache"))).toEqual([expect.stringContaining(`${file}/cache can't be examined`)]);
  expect(await found(file)).toEqual([expect.stringContaining(`${file} is a file of registry:2`)]);
  const expired = await makePem(HOST, { from: 0, until: Date.now() - 1000 });
  await writeFile(join(folder.path, HOST), expired.join(""));
  expect(await found(folder.path)).toEqual([
    expect.stringMatching(/letsencrypt\.cachefile: the certificate of registry\.example in .* expired on/),
  ]);
});
