import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/flags.js";
import { run } from "../../src/cli/run.js";
import { readVersion } from "../../src/cli/version.js";
import { type Config } from "../../src/config/config.js";
import { formatFinding } from "../../src/config/findings.js";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly served: readonly Config[];
  readonly warnings: readonly string[];
}

async function registry(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  let [out, err] = ["", ""];
  const served: Config[] = [];
  const warnings: string[] = [];
  const terminal = {
    environment,
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  const code = await run(args, terminal, (config, _source, findings) => {
    served.push(config);
    warnings.push(...findings.map(formatFinding));
    return Promise.resolve(0);
  });
  return { code, out, err, served, warnings };
}

let directory: string;
let good: string;
let bad: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "registry-cli-"));
  good = join(directory, "config.yml");
  bad = join(directory, "bad.yml");
  await writeFile(
    good,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${join(directory, "data")}}}\nhttp: {adr: :5000}\n`,
  );
  await writeFile(bad, "version: 0.1\nstorage: inmemory\nhttp:\n  draintimeout: 5x\n  secret: [hunter2]\n");
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("registry serve", () => {
  it("doesn't start on a root directory that is a file: every request would fail", async () => {
    const file = join(directory, "file.yml");
    await writeFile(file, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${good}\n`);
    const { code, err, served } = await registry(["serve", file]);
    expect({ code, served }).toEqual({ code: 1, served: [] });
    expect(err).toContain(`${file}:4: storage.filesystem.rootdirectory: ${good} is not a directory`);
  });

  it("starts with the configuration and hands over its warnings", async () => {
    const { code, err, served, warnings } = await registry(["serve", good]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(served).toHaveLength(1);
    expect(warnings).toEqual([`${good}:3: http.adr: unknown key, ignored; did you mean http.addr?`]);
  });

  it("accepts a path alone, and one from the environment", async () => {
    expect((await registry([good])).served).toHaveLength(1);
    const { served, warnings } = await registry(["serve"], { REGISTRY_CONFIGURATION_PATH: good });
    expect(served).toHaveLength(1);
    expect(warnings.join()).not.toContain("REGISTRY_CONFIGURATION_PATH");
  });

  it("reports the position of each mistake, without the secret, and doesn't start", async () => {
    const { code, out, err, served } = await registry(["serve", bad]);
    expect({ code, out, served }).toEqual({ code: 1, out: "", served: [] });
    expect(err.split("\n")).toEqual([
      expect.stringMatching(`^configuration error: ${bad}:4: http\\.draintimeout: found "5x"; expected a duration`),
      `configuration error: ${bad}:5: http.secret: found a list; expected a string`,
      "",
    ]);
  });

  it("needs a path", async () => {
    const { code, err } = await registry(["serve"]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^configuration error: configuration path unspecified\n[^]*Usage:\n {2}registry serve <config>/,
    );
  });

  it.each([
    ["no-such-file.yml", /^configuration error: open .*no-such-file\.yml: no such file or directory\n$/],
    ["", /^configuration error: open .*: is a directory\n$/],
  ])("explains an unreadable path %j", async (name, expected) => {
    const { code, err } = await registry(["serve", join(directory, name)]);
    expect(code).toBe(1);
    expect(err).toMatch(expected);
  });

  it("accepts only one path", async () => expect((await registry(["serve", good, bad])).code).toBe(1));
});

describe("registry garbage-collect", () => {
  it.each([
    [[]],
    [["-d"]],
    [["-dm"]],
    [["--dry-run", "--delete-untagged=false"]],
    [["-m=true"]],
    [["--grace-period", "30m"]],
  ])("accepts %j, and collects over a storage where nothing is", async (flags) => {
    for (const args of [
      ["garbage-collect", ...flags, good],
      ["garbage-collect", good, ...flags],
    ]) {
      const { code, out, err } = await registry(args);
      expect({ code, out }).toEqual({
        code: 0,
        out: "\n0 blobs marked, 0 blobs and 0 manifests eligible for deletion\n",
      });
      expect(err).toMatch(
        /^(dry run: nothing was removed|0 blobs, 0 manifests and 0 layer links removed, 0 bytes freed)\n$/,
      );
    }
  });

  it("prints nothing with --quiet", async () => {
    expect(await registry(["garbage-collect", "-dmq", good])).toMatchObject({ code: 0, out: "", err: "" });
  });

  it("removes blobs older than the grace period, and counts younger ones", async () => {
    const root = join(directory, "collected");
    const blob = join(root, "docker/registry/v2/blobs/sha256/aa", `aa${"0".repeat(62)}`);
    await mkdir(blob, { recursive: true });
    await writeFile(join(blob, "data"), "unused");
    const config = join(directory, "collected.yml");
    await writeFile(config, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${root}}}\n`);
    const young = await registry(["garbage-collect", config]);
    expect(young.err).toContain("1 unreferenced blob (6 bytes) kept until older than the grace period\n");
    await utimes(join(blob, "data"), new Date(0), new Date(0));
    const { code, out, err } = await registry(["garbage-collect", config]);
    expect(code).toBe(0);
    expect(out).toBe(
      "\n0 blobs marked, 1 blobs and 0 manifests eligible for deletion\n" +
        `blob eligible for deletion: sha256:aa${"0".repeat(62)}\n`,
    );
    expect(err).toContain(`Deleting blob: /docker/registry/v2/blobs/sha256/aa/aa${"0".repeat(62)}\n`);
    await expect(stat(blob)).rejects.toThrow("ENOENT");
  });

  it("fails with Distribution's message, and removes nothing", async () => {
    const root = join(directory, "failing");
    await mkdir(join(root, "docker/registry/v2/repositories/NOT-A-NAME/_manifests"), { recursive: true });
    const config = join(directory, "failing.yml");
    await writeFile(config, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${root}}}\n`);
    const { code, err } = await registry(["garbage-collect", config]);
    expect(code).toBe(1);
    expect(err).toMatch(/^failed to garbage collect: failed to mark: .*NOT-A-NAME.*[^\n]$/);
  });

  it("refuses a bad configuration first", async () => expect((await registry(["garbage-collect", bad])).code).toBe(1));

  it.each([["--delete"], ["-x"], ["--dry-run=maybe"], ["--grace-period=soon"]])("refuses %s", async (flag) => {
    const { code, err } = await registry(["garbage-collect", flag, good]);
    expect(code).toBe(1);
    expect(err).toMatch(/^Error: (unknown|invalid)[^]*Usage:/);
  });
});

describe("registry verify", () => {
  it("explains warnings and ends with 0", async () => {
    const { code, out } = await registry(["verify", good]);
    expect(code).toBe(0);
    expect(out).toBe(
      `warning: ${good}:3: http.adr: unknown key, ignored; did you mean http.addr?\n` +
        `${good}: no errors, 1 warning: the registry would start\n`,
    );
  });

  it("explains every error and ends with 1", async () => {
    const { code, out } = await registry(["verify", bad], { REGISTRY_HTTP_NET: "udp" });
    expect(code).toBe(1);
    expect(out.split("\n")).toEqual([
      expect.stringContaining(`error:   ${bad}:4: http.draintimeout: `),
      expect.stringContaining(`error:   ${bad}:5: http.secret: `),
      expect.stringContaining(
        'error:   environment variable REGISTRY_HTTP_NET: http.net: found "udp"; expected one of tcp, unix',
      ),
      `${bad}: 3 errors, no warnings: the registry would not start`,
      "",
    ]);
  });
});

describe("registry verify and files", () => {
  it("reports the line that names a wrong file", async () => {
    const path = join(directory, "files.yml");
    await writeFile(path, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${good}\n`);
    const { code, out } = await registry(["verify", path]);
    expect(code).toBe(1);
    expect(out).toContain(`error:   ${path}:4: storage.filesystem.rootdirectory: ${good} is not a directory\n`);
  });
});

describe("registry", () => {
  it.each([[[]], [["help"]], [["--help"]], [["-h"]], [["completion"]]])("%j prints usage", async (args) => {
    const { code, out, err } = await registry(args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/Available Commands:\n {2}serve/);
  });

  it.each([[["help", "serve"]], [["serve", "--help"]], [["serve", "-h"]]])(
    "%j prints the command's usage",
    async (args) => {
      const { code, out } = await registry(args);
      expect(code).toBe(0);
      expect(out).toContain("registry serve <config> [flags]");
    },
  );

  it.each(["--version", "-v"])("%s ends with the version", async (flag) => {
    const { code, out } = await registry([flag]);
    expect(code).toBe(0);
    expect(out.trimEnd().split(" ")).toEqual(["registry", "longshore", readVersion()]);
  });

  it.each([[["bogus"]], [["help", "bogus"]]])("%j is an error on standard error", async (args) => {
    const { code, out, err } = await registry(args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^Error: unknown command "bogus" for "registry"\n/);
  });

  it("refuses unknown flags", async () =>
    expect((await registry(["--bogus"])).err).toMatch(/^Error: unknown flag: --bogus\n/));
});

describe("flags", () => {
  const specs = [
    { name: "dry-run", short: "d" },
    { name: "quiet", short: "q" },
  ];

  it.each([
    [["-d", "a"], ["dry-run"], ["a"]],
    [["a", "-dq"], ["dry-run", "quiet"], ["a"]],
    [["-dq=false"], ["dry-run"], []],
    [["--dry-run", "--dry-run=F"], [], []],
    [["--", "-d"], [], ["-d"]],
    [["-"], [], ["-"]],
  ])("%j", (args, flags, positional) => {
    const parsed = parseArguments(args, specs);
    expect([...parsed.flags]).toEqual(flags);
    expect(parsed.positional).toEqual(positional);
  });
});
