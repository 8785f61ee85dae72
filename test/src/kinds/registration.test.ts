import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));

/** A copy of the built packages, to which each test adds a file and a line, as an engineer would. */
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "longshore-kinds-"));
  const modules = join(copy, "node_modules");
  await mkdir(join(modules, "@longshore"), { recursive: true });
  for (const name of await readdir(join(PROJECT, "node_modules"))) {
    if (!name.startsWith(".") && name !== "@longshore") await link(name);
  }
  for (const name of await readdir(join(PROJECT, "packages"))) {
    for (const part of ["package.json", "dist", "bin"]) {
      const from = join(PROJECT, "packages", name, part);
      await cp(from, join(modules, "@longshore", name, part), { recursive: true, filter: isRun }).catch(ignoreMissing);
    }
  }
});
afterAll(() => rm(copy, { recursive: true, force: true }));

/** Types and maps are most of the files. */
function isRun(path: string): boolean {
  return !/\.(d\.ts|map)$/.test(path);
}

async function link(name: string): Promise<void> {
  await symlink(join(PROJECT, "node_modules", name), join(copy, "node_modules", name));
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}

/** Adds a file to a package, and in its list of kinds an import and an entry. */
async function register(
  list: string,
  { file, text, name }: { readonly file: string; readonly text: string; readonly name: string },
): Promise<void> {
  const path = join(copy, "node_modules/@longshore", list);
  await mkdir(dirname(join(dirname(path), file)), { recursive: true });
  await writeFile(join(dirname(path), file), text);
  const source = await readFile(path, "utf8");
  const changed = source.replace(/(export const [A-Z_]+ = \[)/, `import { ${name} } from "./${file}";\n$1${name}, `);
  expect(changed).not.toBe(source);
  await writeFile(path, changed);
}

/** Runs the copy's `registry`. */
async function registry(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const program = join(copy, "node_modules/@longshore/registry/bin/registry.js");
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: stdout + stderr });
    });
  });
}

async function configuration(text: string): Promise<string> {
  const path = join(copy, "config.yml");
  await writeFile(path, text);
  return path;
}

it("a storage driver is a folder and a line: schema, messages, verify and opening follow", async () => {
  await register("storage/dist/drivers/kinds.js", {
    file: "toy/kind.js",
    name: "toy",
    text: `
      import { textOr } from "@longshore/options/declare";
      import { declareDriver } from "../kind.js";
      import { createInMemoryDriver } from "../inmemory/driver.js";
      export const toy = declareDriver({
        name: "toy", aliases: ["plaything", "oss"], meaning: "A toy.",
        options: { colour: textOr("red", "Its colour.") },
        choose: ({ colour }) => ({
          identity: colour, isShared: false, open: async () => createInMemoryDriver(),
          verify: async () => [{ severity: "warning", path: ["colour"], message: colour + " fades" }],
        }),
      });`,
  });
  const good = await configuration("version: 0.1\nstorage:\n  plaything:\n    colour: blue\n");
  expect((await registry("verify", good)).output).toContain("config.yml:4: storage.plaything.colour: blue fades");
  expect(await registry("garbage-collect", good)).toMatchObject({
    code: 0,
    output: expect.stringContaining("0 blobs marked") as string,
  });
  // It takes the place of a driver that is refused by name.
  expect((await registry("verify", await configuration("version: 0.1\nstorage: oss\n"))).output).toContain("red fades");
  const bad = await configuration("version: 0.1\nstorage: {toy: {colour: [1], color: red}}\n");
  const { code, output } = await registry("verify", bad);
  expect(code).toBe(1);
  expect(output).toContain("storage.toy.colour: found a list; expected a string");
  expect(output).toContain("did you mean storage.toy.colour?");
});

it("a storage middleware is a file and a line", async () => {
  await register("storage/dist/drivers/middleware/kinds.js", {
    file: "toy.js",
    name: "toy",
    text: `
      import { requiredText } from "@longshore/options/declare";
      import { declareKind } from "@longshore/options/kind";
      export const toy = declareKind({
        name: "toy", meaning: "A toy.", options: { colour: requiredText("Its colour.") },
        choose: () => ({ worksWith: ["s3"], apply: async (driver) => driver }),
      });`,
  });
  const storage = "version: 0.1\nstorage: inmemory\nmiddleware:\n  storage:\n";
  const good = await configuration(`${storage}    - {name: toy, options: {colour: red}}\n`);
  expect(await registry("verify", good)).toMatchObject({
    code: 0,
    output: expect.stringContaining("has no effect with storage.inmemory: toy works with s3 only") as string,
  });
  const bad = await configuration(`${storage}    - {name: toy}\n`);
  expect((await registry("verify", bad)).output).toContain("options.colour: missing (required by toy)");
});

it("a password source is a folder and a line: schema, messages, rules and verify follow", async () => {
  await register("auth/dist/methods/kinds.js", {
    file: "toy/toy-kind.js",
    name: "toy",
    text: `
      import { requiredText } from "@longshore/options/declare";
      import { declarePasswordSource } from "../kind.js";
      export const toy = declarePasswordSource({
        name: "toy", meaning: "A toy.", options: { colour: requiredText("Its colour.") },
        choose: ({ colour }) => ({
          realm: "toys", service: "toys", throttle: undefined, open: async () => { throw new Error("not opened here"); },
          verify: async () => [{ severity: "warning", path: ["colour"], message: colour + " fades" }],
        }),
      });`,
  });
  const storage = "version: 0.1\nstorage: inmemory\n";
  const rules = "access: [{name: toni, type: repository, action: [pull]}]\n";
  const good = await configuration(`${storage}auth: {toy: {colour: red}}\n${rules}`);
  expect(await registry("verify", good)).toMatchObject({
    code: 0,
    output: expect.stringContaining("config.yml:3: auth.toy.colour: red fades") as string,
  });
  const alone = await configuration(`${storage}auth: {silly: {realm: a, service: b}}\n${rules}`);
  expect((await registry("verify", alone)).output).toContain("set auth.toy or auth.htpasswd or auth.mtls");
  const both = await configuration(`${storage}auth: {toy: {colour: red}, htpasswd: {realm: a, path: b}}\n`);
  expect((await registry("verify", both)).code).toBe(1);
});

it("a command is a file and a line, with two words and operands: help, usage and dispatch follow", async () => {
  await register("registry/dist/cli/commands.js", {
    file: "toy.js",
    name: "toy",
    text: `
      export const toy = {
        name: "toy paint", operands: ["<colour>"], summary: "\`toy paint\` paints the toy", details: "All of it.",
        flags: [{ name: "twice", meaning: "with a second coat" }],
        run: async ({ operands, flags, terminal }) => {
          terminal.out(operands.join() + (flags.has("twice") ? " twice" : "") + "\\n");
          return 7;
        },
      };`,
  });
  const config = await configuration("version: 0.1\nstorage: inmemory\n");
  expect((await registry("help")).output).toContain("toy paint");
  expect((await registry("toy", "paint", "--help")).output).toContain("registry toy paint <config> <colour> [flags]");
  expect(await registry("toy", "paint", config, "blue", "--twice")).toEqual({ code: 7, output: "blue twice\n" });
  expect((await registry("toy", "paint", config)).output).toContain("<colour> is missing");
  expect((await registry("toy", config)).output).toContain(
    'unknown command "toy" for "registry"; did you mean toy paint?',
  );
});

it("a health check is a file and a line: schema, messages and verify follow", async () => {
  await register("registry/dist/health/kinds.js", {
    file: "checks/toy-check.js",
    name: "toyCheck",
    text: `
      import { requiredText } from "@longshore/options/declare";
      import { declareChecks, scheduleOptions } from "../kind.js";
      export const toyCheck = declareChecks({ meaning: "Toys.", env: "TOYCHECKERS" }, {
        name: "toy", meaning: "A toy.", options: { colour: requiredText("Its colour."), ...scheduleOptions() },
        choose: ({ colour, ...schedule }) => ({
          label: { option: "colour", text: colour },
          open: () => ({ name: colour, ...schedule, check: async () => { throw new Error("faded"); } }),
          verify: async () => [{ severity: "warning", path: ["colour"], message: colour + " fades" }],
        }),
      });`,
  });
  const toys = (...colours: readonly string[]): Promise<string> =>
    configuration(`version: 0.1\nstorage: inmemory\nhealth:\n  toy: [${colours.join()}]\n`);
  expect(await registry("verify", await toys("{colour: red}"))).toMatchObject({
    code: 0,
    output: expect.stringContaining("config.yml:4: health.toy[0].colour: red fades") as string,
  });
  const { code, output } = await registry("verify", await toys("{colour: red}", "{colour: red}", "{}"));
  expect(code).toBe(1);
  expect(output).toContain("health.toy[2].colour: missing (required)");
});

it("a format of notifications is a file and a line", async () => {
  await register("registry/dist/event-formats/kinds.js", {
    file: "toy.js",
    name: "toy",
    text: `export const toy = { name: "toy", meaning: "a toy", render: () => ({ text: "toy", headers: [] }) };`,
  });
  const endpoint = (format: string): Promise<string> =>
    configuration(
      `version: 0.1\nstorage: inmemory\nnotifications: {endpoints: [{name: a, url: "http://a/", format: ${format}}]}\n`,
    );
  expect((await registry("verify", await endpoint("toy"))).code).toBe(0);
  expect((await registry("verify", await endpoint("tin"))).output).toContain("expected one of toy, v2, v1");
});

it("a cache is a file and a line", async () => {
  await register("storage/dist/cache/kinds.js", {
    file: "toy-kind.js",
    name: "toy",
    text: `
      import { inmemoryCache } from "./inmemory-kind.js";
      export const toy = { ...inmemoryCache, name: "toy", needs: "redis",
        verify: async () => [{ severity: "warning", path: ["addrs"], message: "a toy needs no server" }] };`,
  });
  const cached = (name: string): Promise<string> =>
    configuration(`version: 0.1\nstorage: {inmemory: , cache: {blobdescriptor: ${name}}}\nredis: {addrs: ["r:1"]}\n`);
  const { code, output } = await registry("verify", await cached("toy"));
  expect(code).toBe(0);
  expect(output).toContain("redis.addrs: a toy needs no server");
  expect((await registry("verify", await cached("tin"))).output).toContain("expected toy or inmemory or redis");
});
