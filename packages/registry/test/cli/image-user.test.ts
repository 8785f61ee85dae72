import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { attempt } from "@longshore/testkit/processes";
import { PROJECT } from "@longshore/testkit/project";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** What stands in for the programs that the image's script calls as root. */
const PROGRAMS = {
  id: `echo 0`,
  setpriv: `while [ "$1" != -- ]; do shift; done; shift; AS=registry exec "$@"`,
  node: `shift
    [ "$1" != permissions ] || { echo "$2" >"$CHECKED"; [ -z "$PROBLEM" ] || echo "$PROBLEM"; exit "$CODE"; }
    echo "\${AS-root}: $*"`,
};

describe("the user of the image's program", () => {
  let folder: TemporaryFolder;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("image-user");
    await mkdir(join(folder.path, "bin"));
    for (const [name, text] of Object.entries(PROGRAMS)) {
      await writeFile(join(folder.path, "bin", name), `#!/bin/sh\n${text}\n`);
      await chmod(join(folder.path, "bin", name), 0o755);
    }
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  /** Starts the program as root, where the check of the configuration exits with `code` and prints `problem`. */
  async function start(args: readonly string[], code: number, problem = "") {
    // Beside the output, which the script reads itself.
    const checks = join(folder.path, "checked");
    await writeFile(checks, "");
    const { stdout, stderr } = await attempt("sh", [`${PROJECT}deploy/image/registry.sh`, ...args], {
      cwd: folder.path,
      env: {
        PATH: `${join(folder.path, "bin")}:/usr/bin:/bin`,
        CHECKED: "checked",
        CODE: String(code),
        PROBLEM: problem,
        REGISTRY_CONFIGURATION_PATH: "/default.yml",
      },
    });
    const { stdout: checked } = await attempt("cat", [checks]);
    return { ran: stdout.trim(), checked: checked.trim(), said: stderr.trim() };
  }

  it.each([
    ["serve", "/default.yml"],
    ["serve /etc/registry/config.yml", "/etc/registry/config.yml"],
    ["serve settings", "settings"],
    ["/etc/registry/settings", "/etc/registry/settings"],
    ["config.yml", "config.yml"],
    ["garbage-collect --delete-untagged /etc/config.yml", "/etc/config.yml"],
    ["repository delete config.yml team/app", "config.yml"],
    ["repository delete /etc/config.yml team/app", "/etc/config.yml"],
  ])("`registry %s` gives up root for one who may use %s", async (line, config) => {
    expect(await start(line.split(" "), 0)).toEqual({ ran: `registry: ${line}`, checked: config, said: "" });
  });

  it.each([
    ["serve /etc/config.yml", "/data can't be read", "/data can't be read"],
    ["serve settings", "/data can't be read\n/more can't be read", "/data can't be read"],
    ["/etc/registry/settings", "/data can't be read", "/data can't be read"],
    ["serve /etc/config.yml", "", "it could not be found out what that user may do"],
  ])("`registry %s` says why it stays root", async (line, problem, reason) => {
    const { ran, said } = await start(line.split(" "), 1, problem);
    expect(ran).toBe(`root: ${line}`);
    expect(said).toMatch(`registry: runs as root, not as the user registry (1000): ${reason}; give that user access`);
  });

  it("other commands that stay root say nothing about it", async () => {
    const line = "garbage-collect /etc/config.yml";
    expect(await start(line.split(" "), 1, "/data can't be read")).toMatchObject({ ran: `root: ${line}`, said: "" });
  });
});
