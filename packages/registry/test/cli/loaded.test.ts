import { PROJECT } from "@longshore/testkit/project";
import { run, startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const MAIN = join(PROJECT, "packages/registry/dist/cli/main.js");

/** Has each process append the URLs of the modules that it resolves to `file`. */
function recording(file: string): string[] {
  const hooks = `import { appendFileSync } from "node:fs";
    export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      appendFileSync(${JSON.stringify(file)}, found.url + "\\n");
      return found;
    }`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hooks))});`;
  return ["--import", dataUrl(register)];
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** The modules in `file`, below the project. */
async function modulesIn(file: string): Promise<readonly string[]> {
  const lines = (await readFile(file, "utf8")).split("\n");
  return [...new Set(lines.flatMap((line) => line.split(`${PROJECT.replace(/\/$/, "")}/`)[1] ?? []))];
}

/** What only some configurations need: libraries, and our own parts that open something. */
const ON_DEMAND =
  /node_modules\/(?:@aws-sdk|@smithy|@opentelemetry|ioredis|mongodb|ldapts|acme-client|axios|openid-client|jose|undici|tldts|bcryptjs|modern-tar)\/|open-token-server|mirror-registry|create-tracing|notifications\/service|registry\/dist\/certificates\//;

const CONFIGURATION = /\/zod\/|\/yaml\/|config\/schema|@longshore|packages\/(?:storage|auth|mirror|token-server)\//;

describe("what a process loads", () => {
  it.each([["--version"], ["help"], ["help", "mirror", "copy"]])("%s: no configuration, no server", async (...args) => {
    await using folder = await makeTemporaryFolder("loaded");
    const file = join(folder.path, "modules");
    await run(process.execPath, [...recording(file), MAIN, ...args]);
    const modules = await modulesIn(file);
    expect(modules).toContain("packages/registry/dist/cli/main.js");
    expect(modules.filter((name) => ON_DEMAND.test(name) || CONFIGURATION.test(name))).toEqual([]);
  });

  it.each([1, 2])(
    "serve with %i workers over the file system: nothing that other configurations need",
    async (workers) => {
      await using folder = await makeTemporaryFolder("loaded");
      const file = join(folder.path, "modules");
      const config = join(folder.path, "config.yml");
      const storage = JSON.stringify({ filesystem: { rootdirectory: join(folder.path, "data") } });
      await writeFile(
        config,
        `{version: 0.1, storage: ${storage}, http: {addr: "127.0.0.1:0", workers: ${workers}}}\n`,
      );
      const daemon = await startDaemon(process.execPath, [...recording(file), MAIN, "serve", config], {
        ready: (output) => output.includes("listening on"),
      });
      await daemon.stop();
      const modules = await modulesIn(file);
      expect(modules).toContain("packages/registry/dist/http/app.js");
      expect(modules.filter((name) => ON_DEMAND.test(name))).toEqual([]);
    },
  );
});
