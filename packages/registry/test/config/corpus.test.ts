import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyAuth } from "../../src/cli/verify/verify-auth.js";
import { checkFiles } from "../../src/cli/verify/verify-files.js";
import { CERTIFICATE, KEY } from "../cli/certificates.js";
import { load, messages } from "./support.js";

/** Configurations of registry:2 and registry:3 as projects and charts have them, written anew. `FILES` is a folder. */
const CORPUS = fileURLToPath(new URL("./corpus/", import.meta.url));
const NAMES = (await readdir(CORPUS)).sort();

let files: string;

beforeAll(async () => {
  files = await mkdtemp(join(tmpdir(), "registry-corpus-"));
  await writeFile(join(files, "cert.pem"), CERTIFICATE);
  await writeFile(join(files, "key.pem"), KEY);
  await writeFile(join(files, "htpasswd"), `ada:$2y$10$${"a".repeat(53)}\n`);
});
afterAll(() => rm(files, { recursive: true, force: true }));

/** What the first line of a file says that `verify` warns of: `# warns: <key> <key>`. */
function expectedWarnings(text: string): readonly string[] {
  return (/^# warns: (.*)$/m.exec(text)?.[1] ?? "").split(" ").filter((key) => key !== "");
}

describe("configurations that start registry:2 or registry:3", () => {
  it("are twenty or more", () => expect(NAMES.length).toBeGreaterThanOrEqual(20));

  it.each(NAMES)("%s", async (name) => {
    const text = (await readFile(join(CORPUS, name), "utf8")).replaceAll("FILES", files);
    const { config, errors, warnings } = load(text);
    expect(messages(errors)).toEqual([]);
    if (config === undefined) throw new Error("no errors, and no configuration");
    const request = { remote: false, patience: 0, now: new Date("2030-01-01") };
    const found = [...(await checkFiles(config, request.now)), ...(await verifyAuth(config, request))];
    expect(messages(found)).toEqual([]);
    const keys = messages(warnings).map((message) => /^config\.yml:\d+: (\S+): /.exec(message)?.[1]);
    expect(keys.sort()).toEqual([...expectedWarnings(text)].sort());
  });
});
