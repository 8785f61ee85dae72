import { attempt, run, startDaemon } from "@longshore/testkit/processes";
import { PROJECT } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { cp, mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readVersion } from "../../src/cli/version.js";

/** Of `a password`. */
const HASH = "$2b$04$u2jt5ROVHfpTd/koSwwYOOIqSAXDNIdB7X86oMKA6K.ek9UOQJZXa";

const REGISTRY = join(PROJECT, "packages/registry");

describe("the bundle of the program", () => {
  // Beside the one in use, so that what it finds relative to itself is where it would be.
  const name = `dist/bundle-${process.pid}`;
  const main = join(REGISTRY, name, "main.js");

  beforeAll(() => run(process.execPath, [join(REGISTRY, "bundle.mjs"), name]));
  afterAll(() => rm(join(REGISTRY, name), { recursive: true, force: true }));

  it("knows its version and its commands", async () => {
    expect((await run(process.execPath, [main, "--version"])).stdout).toBe(`registry longshore ${readVersion()}\n`);
    expect((await run(process.execPath, [main, "help", "mirror", "copy"])).stdout).toContain("--source-username");
  });

  it("names a mistake in the configuration as the program does", async () => {
    await using folder = await makeTemporaryFolder("bundle");
    const config = join(folder.path, "config.yml");
    await writeFile(config, "{version: 0.1, storage: {inmemory: {}}, http: {adr: 1}}\n");
    const { code, stdout } = await attempt(process.execPath, [main, "verify", config]);
    expect(stdout).toContain("http.adr");
    expect(code).toBe((await attempt(process.execPath, [join(REGISTRY, "dist/cli/main.js"), "verify", config])).code);
  });

  it.each([1, 2])("serves with %i workers, and verifies passwords in threads", async (workers) => {
    await using folder = await makeTemporaryFolder("bundle");
    const config = join(folder.path, "config.yml");
    await writeFile(join(folder.path, "htpasswd"), `ann:${HASH}\n`);
    const settings = {
      version: "0.1",
      storage: { filesystem: { rootdirectory: join(folder.path, "data") } },
      auth: { htpasswd: { path: join(folder.path, "htpasswd"), realm: "test" } },
      http: { addr: "127.0.0.1:0", workers },
    };
    await writeFile(config, JSON.stringify(settings));
    const daemon = await startDaemon(process.execPath, [main, "serve", config], {
      ready: (output) => output.includes("listening on"),
    });
    try {
      const address = /listening on ([\d.:]+)/.exec(daemon.output())?.[1] ?? "";
      const answer = async (password: string): Promise<number> => {
        const authorization = `Basic ${Buffer.from(`ann:${password}`).toString("base64")}`;
        return (await fetch(`http://${address}/v2/`, { headers: { authorization } })).status;
      };
      expect([await answer("a password"), await answer("another")]).toEqual([200, 401]);
    } finally {
      await daemon.stop();
    }
  });
});

describe("bin/registry.js", () => {
  const MINUTE = 60;

  /** What it runs if the files of a build were written at these times (s); undefined: there is no such file. */
  async function chosen(bundle: number | undefined, compiled: number | undefined): Promise<string> {
    await using folder = await makeTemporaryFolder("bin");
    const registry = join(folder.path, "packages/registry");
    const write = async (path: string, text: string, time: number): Promise<void> => {
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, text);
      await utimes(path, time, time);
    };
    await cp(join(REGISTRY, "bin"), join(registry, "bin"), { recursive: true });
    await write(join(folder.path, "package.json"), '{"type":"module"}', MINUTE);
    await write(join(registry, "dist/cli/main.js"), 'console.log("compiled")', MINUTE);
    if (bundle !== undefined) await write(join(registry, "dist/bundle/main.js"), 'console.log("bundle")', bundle);
    if (compiled !== undefined) await write(join(folder.path, "packages/base/dist/.tsbuildinfo"), "", compiled);
    return (await run(process.execPath, [join(registry, "bin/registry.js")])).stdout.trim();
  }

  it("runs the bundle, unless a package was compiled after it", async () => {
    expect(await chosen(2 * MINUTE, MINUTE)).toBe("bundle");
    expect(await chosen(MINUTE, 2 * MINUTE)).toBe("compiled");
    expect(await chosen(undefined, MINUTE)).toBe("compiled");
    // An image has no records of the compiler.
    expect(await chosen(MINUTE, undefined)).toBe("bundle");
  });
});
