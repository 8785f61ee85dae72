import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { freePort } from "@longshore/testkit/loopback";
import { findProgram } from "@longshore/testkit/peer-list";
import { describePeers } from "@longshore/testkit/peers";
import { attempt, run, startDaemon } from "@longshore/testkit/processes";
import { PROJECT } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { stringify } from "yaml";

const SCRIPT = join(PROJECT, "deploy/package/executable.mjs");
/** Of `a password`. */
const HASH = "$2b$04$u2jt5ROVHfpTd/koSwwYOOIqSAXDNIdB7X86oMKA6K.ek9UOQJZXa";

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

  it("serves with two workers, compares passwords in threads, and has its page", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const config = join(folder, "config.yml");
    await writeFile(join(folder, "htpasswd"), `ann:${HASH}\n`);
    const settings = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(folder, "data") } },
      auth: { htpasswd: { path: join(folder, "htpasswd"), realm: "test" } },
      http: { addr: address, workers: 2, secret: "own" },
    };
    await writeFile(config, stringify(settings));
    const registry = await startDaemon(program, ["serve", config], {
      ready: (output) => output.includes("listening on"),
    });
    try {
      const answer = (password: string) =>
        fetch(`http://${address}/v2/`, { headers: { authorization: `Basic ${btoa(`ann:${password}`)}` } });
      expect([(await answer("a password")).status, (await answer("another")).status]).toEqual([200, 401]);
      const page = await fetch(`http://${address}/`, { headers: { accept: "text/html" } });
      const [, script = ""] = /src="([^"]+\.js)"/.exec(await page.text()) ?? [];
      expect((await fetch(new URL(script, page.url))).headers.get("content-type")).toContain("javascript");
      await run(program, ["garbage-collect", config]);
    } finally {
      expect(await registry.stop()).toBe(0);
    }
  });
});

it("an older Node is told what makes the single-file executable", async () => {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major >= 26) return;
  const refused = await attempt(process.execPath, [SCRIPT, "/tmp/never"]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("run this with Node 26") as string });
});
