import { section } from "@longshore/options/declare";
import { testFolder } from "@longshore/testkit/test-folder";
import { access, chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import type { IdentitySource } from "../../../src/contract.js";
import { program } from "../../../src/sources/program/program-kind.js";
import { programOptions } from "../../../src/sources/program/program-options.js";
import { createProgramSource } from "../../../src/sources/program/program-source.js";
import { loginContext, sourcePorts } from "../../support.js";
import { credentials, failure } from "../support.js";

type Input = Partial<z.input<z.ZodObject<typeof programOptions>>>;

/** A source that runs a shell script. */
async function scripted(script: string, input: Input = {}): Promise<{ source: IdentitySource; folder: string }> {
  const folder = await testFolder();
  const command = join(folder, "verify");
  await writeFile(command, `#!/bin/sh\nFOLDER=${folder}\n${script}\n`);
  await chmod(command, 0o755);
  const options = section(programOptions, "").parse({ command, ...input });
  return { source: createProgramSource(options), folder };
}

const logIn = (source: IdentitySource, text = "alice:secret", signal = new AbortController().signal) =>
  source.verify(credentials(text), loginContext({ signal }));

/** Whether a process exists; one that has ended and isn't reaped yet doesn't count. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(await readFile(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("an external program", () => {
  it.each([
    ["exit 0", { outcome: "identified" }],
    ["exit 1", { outcome: "failed" }],
    ["exit 2", { outcome: "unknown" }],
  ])("decides by its exit code: %s", async (script, expected) => {
    const { source } = await scripted(script);
    expect(await logIn(source)).toMatchObject(expected);
  });

  it("reads the account and the password from its standard input, without a newline", async () => {
    const { source, folder } = await scripted('cat > "$FOLDER/input"');
    await logIn(source, "alice:pass word:$(id)");
    expect(await readFile(join(folder, "input"), "utf8")).toBe("alice pass word:$(id)");
  });

  it("gives labels as JSON, literal ones unless told otherwise", async () => {
    const script = `echo '{"labels": {"groups": ["dev", "test/*"]}, "more": 1}'`;
    const labels = new Map([["groups", ["dev", "test/*"]]]);
    const { source } = await scripted(script);
    expect(await logIn(source)).toMatchObject({ identity: { account: "alice", labels, labelSyntax: "literal" } });
    const { source: patterns } = await scripted(script, { labelpatterns: true });
    expect(await logIn(patterns)).toMatchObject({ identity: { labelSyntax: "pattern" } });
  });

  it.each([
    ["prints nonsense", "echo nonsense", "neither empty nor JSON"],
    ["prints JSON of another form", `echo '{"labels": "dev"}'`, "neither empty nor JSON"],
    ["exits with another code", "exit 3", "it exited with 3"],
    ["kills itself", "kill -9 $$", "it was killed"],
    ["prints without an end", "cat /dev/zero", "it prints more than 65536 bytes"],
  ])("can't tell if it %s", async (_, script, reason) => {
    const { source } = await scripted(script);
    const error = await failure(() => logIn(source));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain("nonsense");
  });

  it("doesn't see an account or a password that its input can't hold", async () => {
    const { source, folder } = await scripted('touch "$FOLDER/started"');
    for (const text of ["a b:secret", "alice:", ":secret", "alice:two\nlines", "a\tb:secret"])
      expect(await logIn(source, text)).toEqual({ outcome: "unknown" });
    await expect(access(join(folder, "started"))).rejects.toThrow();
  });

  it("has none of this process's environment", async () => {
    process.env["SECRET_OF_THE_REGISTRY"] = "secret";
    const { source, folder } = await scripted('env > "$FOLDER/environment"');
    await logIn(source);
    delete process.env["SECRET_OF_THE_REGISTRY"];
    const environment = await readFile(join(folder, "environment"), "utf8");
    expect(environment).toContain("PATH=");
    expect(environment).not.toContain("SECRET_OF_THE_REGISTRY");
  });

  it("is killed with everything that it has started when its time is up", async () => {
    const { source, folder } = await scripted('sleep 1000 & echo $! > "$FOLDER/child"; echo $$ > "$FOLDER/self"; wait');
    const pidOf = async (name: string) => Number(await readFile(join(folder, name), "utf8").catch(() => ""));
    const time = new AbortController();
    const login = logIn(source, "alice:secret", time.signal);
    await expect.poll(() => pidOf("self")).toBeGreaterThan(0);
    const pids = [await pidOf("self"), await pidOf("child")];
    const reason = new Error("time is up");
    time.abort(reason);
    await expect(login).rejects.toBe(reason);
    for (const pid of pids) await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("leaves nothing behind that keeps its output open", async () => {
    const { source, folder } = await scripted('sleep 1000 & echo $! > "$FOLDER/child"; exit 0');
    expect((await logIn(source)).outcome).toBe("identified");
    const pid = Number(await readFile(join(folder, "child"), "utf8"));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("may leave its input unread", async () => {
    const { source } = await scripted("exec 0<&-; exit 1");
    expect((await logIn(source, `alice:${"x".repeat(1_000_000)}`)).outcome).toBe("failed");
  });

  it("has to be there when the registry starts", async () => {
    const folder = await testFolder();
    const plain = join(folder, "plain");
    await writeFile(plain, "");
    const problemOf = async (command: string) => {
      const chosen = program.section("program").parse({ command });
      const [remark] = await chosen.verify({ remote: false, patience: 1000, now: new Date() });
      const error = await failure(() => chosen.open(sourcePorts()));
      expect(error.fault).toMatchObject({ code: "INVALID_OPTIONS", path: "program.command", reason: remark?.message });
      return remark?.message;
    };
    expect(await problemOf(join(folder, "missing"))).toContain("is missing");
    expect(await problemOf("verify")).toContain("isn't a whole path");
    expect(await problemOf(folder)).toContain("isn't a file");
    expect(await problemOf(plain)).toContain("chmod +x");
  });
});
