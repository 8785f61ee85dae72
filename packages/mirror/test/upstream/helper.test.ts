import { chmod, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { isUpstreamError } from "../../src/configuration.js";
import { CredentialError } from "../../src/upstream/auth/credentials.js";
import { dockerConfigCredentials } from "../../src/upstream/auth/docker-config.js";
import { helperCredentials } from "../../src/upstream/auth/helper.js";
import { NAME, openUpstream, sendManifest, serveStandIn, TAG } from "./site.js";

const NEVER = new AbortController().signal;
const BASIC = `Basic ${Buffer.from("ada:secret").toString("base64")}`;

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await makeTemporaryFolder("helper");
});
afterAll(() => folder.remove());

/** A program that notes each run in `<name>.log`, and then does what `script` says. */
async function program(name: string, script: string): Promise<string> {
  const path = `${folder.path}/${name}`;
  await writeFile(path, `#!/bin/sh\nread -r host\necho "$1 $host" >> ${path}.log\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

async function runsOf(path: string): Promise<string[]> {
  return (await readFile(`${path}.log`, "utf8")).trimEnd().split("\n");
}

const ANSWER = `echo '{"ServerURL":"x","Username":"ada","Secret":"secret"}'`;

describe("a credential helper", () => {
  it("is run as `<command> get` with the host on its input, once", async () => {
    const command = await program("once", ANSWER);
    const helper = helperCredentials({ command, lifetime: undefined, now: Date.now });
    const answers = await Promise.all([1, 2, 3].map(() => helper.get(["registry.example:5000"], NEVER)));
    expect(answers.map((each) => each?.kind === "password" && each.password.reveal())).toEqual(Array(3).fill("secret"));
    expect(await runsOf(command)).toEqual(["get registry.example:5000"]);
  });

  it("is run again after its lifetime", async () => {
    let now = 0;
    const command = await program("lifetime", ANSWER);
    const helper = helperCredentials({ command, lifetime: 1000, now: () => now });
    await helper.get(["h"], NEVER);
    now = 999;
    await helper.get(["h"], NEVER);
    now = 1000;
    await helper.get(["h"], NEVER);
    expect(await runsOf(command)).toHaveLength(2);
  });

  it("may know a host by another name", async () => {
    const command = await program(
      "names",
      `if [ "$host" = registry.example ]; then ${ANSWER}; else echo "credentials not found in native keychain"; exit 1; fi`,
    );
    const helper = helperCredentials({ command, lifetime: undefined, now: Date.now });
    expect(await helper.get(["auth.example", "registry.example"], NEVER)).toMatchObject({ user: "ada" });
    expect(await helper.get(["auth.example"], NEVER)).toBeUndefined();
  });

  it("may hand out a refresh token", async () => {
    const command = await program("token", `echo '{"Username":"<token>","Secret":"refresh"}'`);
    const helper = helperCredentials({ command, lifetime: undefined, now: Date.now });
    expect(await helper.get(["h"], NEVER)).toMatchObject({ kind: "refresh-token" });
  });

  it.each([
    ["prints nonsense", "nonsense", "echo Welcome, the password is hunter2", /something else/],
    ["prints without end", "endless", "yes hunter2", /more than \d+ bytes/],
    ["fails", "fails", "echo hunter2 >&2; exit 3", /exit code 3/],
    ["hangs, with a child of its own", "hangs", "sleep 600 & sleep 600", /didn't answer within/],
  ])("that %s is an error, which shows nothing of its output", async (_, name, script, reason) => {
    const command = await program(name, script);
    const helper = helperCredentials({ command, lifetime: undefined, now: Date.now, timeout: 1000 });
    const error: unknown = await helper.get(["h"], NEVER).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CredentialError);
    expect(String(error)).toMatch(reason);
    expect(String(error)).not.toContain("hunter2");
  });

  it("that isn't installed is named", async () => {
    const helper = helperCredentials({ command: "no-such-helper", lifetime: undefined, now: Date.now });
    await expect(helper.get(["h"], NEVER)).rejects.toThrow(/no-such-helper isn't installed/);
  });

  it("that failed isn't run for every request", async () => {
    const command = await program("again", "exit 1");
    const helper = helperCredentials({ command, lifetime: undefined, now: () => 0 });
    for (let i = 0; i < 5; i += 1) await expect(helper.get(["h"], NEVER)).rejects.toThrow(CredentialError);
    expect(await runsOf(command)).toHaveLength(1);
  });

  it("gives an upstream its credentials, and one that fails is NO_CREDENTIALS", async () => {
    await using site = await serveStandIn(({ headers }, response) => {
      if (headers["authorization"] === BASIC) return void sendManifest(response);
      response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    });
    const command = await program("upstream", ANSWER);
    await using sound = openUpstream(site.url, { exec: { command } });
    await sound.fetchManifest(NAME, TAG);
    expect(await runsOf(command)).toEqual([`get ${site.host}`]);
    await using broken = openUpstream(site.url, { exec: { command: await program("broken", "exit 7") } });
    const error: unknown = await broken.fetchManifest(NAME, TAG).catch((thrown: unknown) => thrown);
    expect(isUpstreamError(error, "NO_CREDENTIALS")).toBe(true);
  });
});

describe("what docker login left behind", () => {
  async function credentialsIn(config: unknown, ...hosts: string[]) {
    const path = `${folder.path}/config.json`;
    await writeFile(path, typeof config === "string" ? config : JSON.stringify(config));
    return dockerConfigCredentials([`${folder.path}/missing.json`, path], Date.now).get(hosts, NEVER);
  }
  const auth = Buffer.from("ada:secret").toString("base64");

  it("is found by host, under the old name of Docker Hub too", async () => {
    const config = { auths: { "https://index.docker.io/v1/": { auth }, "r.example:5000": { identitytoken: "t" } } };
    expect(await credentialsIn(config, "registry-1.docker.io", "https://index.docker.io/v1/")).toMatchObject({
      user: "ada",
    });
    expect(await credentialsIn(config, "r.example:5000")).toMatchObject({ kind: "refresh-token" });
    expect(await credentialsIn(config, "r.example")).toBeUndefined();
    expect(await credentialsIn({}, "r.example")).toBeUndefined();
  });

  it("names helpers by their name alone", async () => {
    await expect(credentialsIn({ credHelpers: { h: "../../bin/sh" } }, "h")).rejects.toThrow(
      /no name of a credential helper/,
    );
  });

  it("is refused where it is damaged", async () => {
    await expect(credentialsIn("{", "h")).rejects.toThrow(/no configuration of Docker's/);
  });
});
