import { chmod, chown, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { attempt, run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROJECT } from "@longshore/testkit/project";
import { startRegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { npmSettings, standInForNodeImage } from "./base-image.js";
import { type DockerEngine, startDockerEngine } from "./docker-engine.js";
import { dockerArchive, makeImage, makeMultiArch } from "./images.js";
import { inspect } from "./inspect.js";
import { parseJson, pick } from "./json.js";
import { SLOW, useResources } from "./site.js";

const IMAGE = "longshore:latest";
const AS_ROOT = ["0", "0", "0", "0"];
const AS_REGISTRY = ["1000", "1000", "1000", "1000"];

describePeers("the container image", ["docker", "compose", "docker-registry", "debootstrap"], () => {
  const own = useResources();
  let engine: DockerEngine;
  let folder: string;

  beforeAll(async () => {
    folder = own(await makeTemporaryFolder("image")).path;
    engine = own(await startDockerEngine());
    await engine.docker(["import", await standInForNodeImage(), "node-stand-in:latest"]);
    const { registry, cafile } = await npmSettings();
    const release = { VERSION: "1.2.3", REVISION: "0123abc" };
    const npm = { NPM_CONFIG_REGISTRY: registry, NPM_CONFIG_CAFILE: cafile };
    const settings = { NODE_IMAGE: "node-stand-in:latest", ...npm, ...release };
    const args = Object.entries(settings).flatMap(([key, value]) =>
      value === undefined ? [] : [`--build-arg=${key}=${value}`],
    );
    await engine.docker(["build", "--network=host", ...args, `--tag=${IMAGE}`, PROJECT], { timeout: 600_000 });
  }, 1_200_000);

  const within = async (what: string, condition: () => Promise<boolean>) => {
    const deadline = Date.now() + 60_000;
    while (!(await condition().catch(() => false))) {
      if (Date.now() > deadline) {
        throw new Error(`${what} did not come about in time`);
      }
      await delay(100);
    }
  };

  /** Starts a container on the host's network, at a free port unless the arguments say otherwise, and waits for its API. */
  const start = async (flags: readonly string[], command: readonly string[] = []) => {
    const host = `127.0.0.1:${await freePort()}`;
    const args = ["run", "--detach", "--network=host", `--env=REGISTRY_HTTP_ADDR=${host}`, ...flags, IMAGE, ...command];
    const id = (await engine.docker(args)).stdout.trim();
    try {
      await within(`an answer of ${id}`, async () => (await fetch(`http://${host}/v2/`)).status === 200);
    } catch (error) {
      const { stdout, stderr } = await engine.docker(["logs", id]);
      throw new Error(`the container gave no answer\n${stdout}\n${stderr}`, { cause: error });
    }
    return {
      host,
      id,
      held: inspect(host),
      /** The user ids of its first process: real, effective, saved, and for files. */
      user: async () =>
        (await engine.docker(["exec", id, "grep", "Uid", "/proc/1/status"])).stdout.trim().split(/\s+/).slice(1),
      /** Why it runs as root, where it had to say so. */
      async whyRoot() {
        const { stderr } = await engine.docker(["logs", id]);
        return stderr.split("\n").filter((line) => line.startsWith("registry: runs as root"));
      },
      /** Stops it as an operator does and says its exit code. */
      async stop() {
        await engine.docker(["stop", "--time=20", id]);
        const { stdout } = await engine.docker(["inspect", "--format={{.State.ExitCode}}", id]);
        await engine.docker(["rm", "--volumes", id]);
        return Number(stdout);
      },
    };
  };

  const configuration = (root: string, realm: string) =>
    stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: root } },
      http: { addr: ":5000", headers: { "X-Config": [realm] } },
    });
  const configuredBy = async (host: string) => (await fetch(`http://${host}/v2/`)).headers.get("x-config");

  it(
    "has the originals' port, volume, entry point and command, and nothing of the build",
    async () => {
      const { stdout } = await engine.docker(["image", "inspect", "--format={{json .Config}}", IMAGE]);
      const config = parseJson(stdout);
      expect(pick(config, "ExposedPorts")).toEqual({ "5000/tcp": {} });
      expect(pick(config, "Volumes")).toEqual({ "/var/lib/registry": {} });
      expect(pick(config, "Entrypoint")).toEqual(["/entrypoint.sh"]);
      expect(pick(config, "Cmd")).toEqual(["/etc/docker/registry/config.yml"]);
      expect(pick(config, "User") ?? "").toBe("");
      expect(pick(config, "Healthcheck", "Test")).toEqual(["CMD", "/healthcheck.sh"]);
      expect(pick(config, "Labels")).toMatchObject({
        "org.opencontainers.image.title": "Longshore",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.revision": "0123abc",
      });
      expect(pick(config, "Labels", "org.opencontainers.image.source")).toMatch(/^https:/);
      const listing =
        "ls /opt/longshore /opt/longshore/packages/* /opt/longshore/packages/registry/dist && ls -a /root";
      const files = (await engine.docker(["run", "--rm", "--network=none", IMAGE, "sh", "-c", listing])).stdout;
      expect(files).toMatch(/^LICENSE$[^]*^sbom\.cdx\.json$[^]*^bundle$/m);
      expect(files).not.toMatch(/node_modules|^src$|\.npmrc|tsbuildinfo/m);
      const missing = "for each in npm apt dpkg perl; do command -v $each; done; true";
      expect((await engine.docker(["run", "--rm", "--network=none", IMAGE, "sh", "-c", missing])).stdout).toBe("");
    },
    SLOW,
  );

  it(
    "takes less than 150 MB",
    async () => {
      const { stdout } = await engine.docker(["image", "inspect", "--format={{.Size}}", IMAGE]);
      expect(Number(stdout)).toBeGreaterThan(50_000_000);
      expect(Number(stdout)).toBeLessThan(150_000_000);
    },
    SLOW,
  );

  it(
    "says of itself whether it is healthy, and of another command nothing",
    async () => {
      const file = join(folder, "health.yml");
      const watched = join(folder, "watched");
      await mkdir(watched);
      const http = { addr: `127.0.0.1:${await freePort()}` };
      const health = { file: [{ file: "/watched/out-of-service", interval: "100ms" }] };
      await writeFile(file, stringify({ version: 0.1, storage: { inmemory: {} }, http, health }));
      const flags = [`--volume=${file}:/config.yml:ro`, `--volume=${watched}:/watched`, "--user=1000:1000", "--init"];
      const args = ["run", "--detach", "--network=host", ...flags, "--health-interval=500ms", IMAGE];
      const id = (await engine.docker([...args, "/config.yml"])).stdout.trim();
      const state = async () =>
        (await engine.docker(["inspect", "--format={{.State.Health.Status}}", id])).stdout.trim();
      await within("health", async () => (await state()) === "healthy");
      await writeFile(join(watched, "out-of-service"), "");
      await within("sickness", async () => (await state()) === "unhealthy");
      await engine.docker(["rm", "--force", "--volumes", id]);

      const other = (await engine.docker([...args, "sleep", "600"])).stdout.trim();
      await engine.docker(["exec", other, "/healthcheck.sh"]);
      await engine.docker(["rm", "--force", "--volumes", other]);
    },
    SLOW,
  );

  it(
    'gives up root for its user "registry" on a new volume, and so do commands that root starts beside it',
    async () => {
      const ours = await start(["--group-add=4242"]);
      const image = makeImage("oci");
      await ours.held.push("library/own", "1", image);
      const collect = ["registry", "garbage-collect", "--delete-untagged", "/etc/docker/registry/config.yml"];
      await engine.docker(["exec", ours.id, ...collect]);
      await ours.held.push("library/own", "2", makeImage("oci"));
      const owners = `new Set(fs.readdirSync("/var/lib/registry", { recursive: true }).map((name) =>
        fs.statSync("/var/lib/registry/" + name).uid))`;
      const { stdout } = await engine.docker(["exec", ours.id, "node", "-p", `[...${owners}].join()`]);
      expect(stdout.trim()).toBe("1000");
      expect(await ours.user()).toEqual(AS_REGISTRY);
      const groups = await engine.docker(["exec", ours.id, "grep", "Groups", "/proc/1/status"]);
      expect(groups.stdout.trim().split(/\s+/)).toEqual(["Groups:", "1000", "4242"]);
      await engine.docker(["exec", ours.id, "/healthcheck.sh"]);
      expect(await ours.whyRoot()).toEqual([]);
      expect(await ours.stop()).toBe(0);
    },
    SLOW,
  );

  it(
    "stays root, and says why, with a configuration that only root can read",
    async () => {
      const file = join(folder, "private.yml");
      await writeFile(file, configuration("/var/lib/registry", "private"));
      await chmod(file, 0o600);
      const ours = await start([`--volume=${file}:/private.yml:ro`], ["/private.yml"]);
      expect(await ours.user()).toEqual(AS_ROOT);
      expect(await ours.whyRoot()).toEqual([expect.stringContaining("/private.yml can't be read")]);
      expect(await ours.stop()).toBe(0);
    },
    SLOW,
  );

  it(
    'can be run by its user "registry", without any capability, on a new volume',
    async () => {
      const ours = await start(["--user=registry", "--cap-drop=ALL", "--read-only", "--tmpfs=/tmp"]);
      await ours.held.push("library/own", "1", makeImage("oci"));
      await ours.held.verify("library/own", "1");
      expect(await ours.stop()).toBe(0);
      const root = await start(["--cap-drop=ALL", "--read-only", "--tmpfs=/tmp"]);
      expect(await root.whyRoot()).toEqual([expect.stringMatching(/lacks the capabilities.*--user$/)]);
      await root.held.push("library/own", "1", makeImage("oci"));
      expect(await root.stop()).toBe(0);
    },
    SLOW,
  );

  it.each([
    [["--version"], /github\.com\/docker\/distribution|^\S*registry /],
    [["help"], /serve/],
    [["registry", "--version"], /registry/],
    [["sh", "-c", "echo any program; ls /opt/longshore/packages/registry/bin"], /any program\n[^]*registry\.js/],
  ])(
    "takes %j",
    async (command, said) => {
      expect((await engine.docker(["run", "--rm", "--network=none", IMAGE, ...command])).stdout).toMatch(said);
    },
    SLOW,
  );

  it(
    "serves port 5000 from /var/lib/registry with no argument at all",
    async () => {
      const { stdout } = await engine.docker(["run", "--detach", "--network=none", IMAGE]);
      const id = stdout.trim();
      const ask =
        "fetch('http://127.0.0.1:5000/v2/').then(a => console.log(a.status, a.headers.get('x-content-type-options')))";
      await within(
        "an answer on port 5000",
        async () => (await engine.attempt(["exec", id, "node", "-e", ask])).stdout === "200 nosniff\n",
      );
      await engine.docker(["stop", "--time=20", id]);
      expect((await engine.docker(["inspect", "--format={{.State.ExitCode}}", id])).stdout.trim()).toBe("0");
      await engine.docker(["rm", "--volumes", id]);
    },
    SLOW,
  );

  it(
    "takes over a volume that the original wrote, is pushed to and pulled from, and gives it back",
    async () => {
      const root = join(folder, "volume");
      const before = makeImage("docker", { bulk: 5 * 1024 * 1024 });
      const list = makeMultiArch("docker", ["amd64", "arm64"]);
      const original = await startRegistryOfKind({ kind: "docker-registry", root });
      await inspect(original.host).push("library/before", "1", before);
      await inspect(original.host).push("library/before", "list", list);
      await original[Symbol.asyncDispose]();

      const ours = await start([`--volume=${root}:/var/lib/registry`]);
      expect(await ours.user()).toEqual(AS_ROOT);
      expect(await ours.whyRoot()).toEqual([expect.stringMatching(/\/var\/lib\/registry can't be written to.*chown/)]);
      expect(await ours.held.resolve("library/before", "1")).toBe(before.manifest.digest);
      await ours.held.verify("library/before", "list");
      await engine.docker(["pull", `${ours.host}/library/before:1`]);
      const after = makeImage("docker", { bulk: 5 * 1024 * 1024 });
      await engine.docker(["load"], { input: dockerArchive(after, `${ours.host}/library/after:1`) });
      await engine.docker(["push", `${ours.host}/library/after:1`]);
      await engine.docker(["rmi", `${ours.host}/library/after:1`]);
      await engine.docker(["pull", `${ours.host}/library/after:1`]);
      expect(await ours.stop()).toBe(0);

      await using again = await startRegistryOfKind({ kind: "docker-registry", root });
      await inspect(again.host).verify("library/before", "1");
      await inspect(again.host).verify("library/before", "list");
      await inspect(again.host).verify("library/after", "1");
    },
    SLOW,
  );

  it(
    "runs as any user on a volume that this user may write",
    async () => {
      const root = join(folder, "own");
      await mkdir(root);
      await chown(root, 1000, 1000);
      const ours = await start([
        "--user=1000:1000",
        "--cap-drop=ALL",
        "--read-only",
        "--tmpfs=/tmp",
        `--volume=${root}:/var/lib/registry`,
      ]);
      await ours.held.push("library/own", "1", makeImage("oci"));
      await ours.held.verify("library/own", "1");
      expect(await ours.stop()).toBe(0);
      expect(await readdir(root)).toEqual(["docker"]);
      expect((await stat(join(root, "docker/registry/v2/repositories/library/own"))).uid).toBe(1000);
    },
    SLOW,
  );

  it.each([
    ["at registry:2's path", "/etc/docker/registry/config.yml", []],
    ["at registry:3's path, which is not passed over", "/etc/distribution/config.yml", []],
    ["anywhere, named alone", "/somewhere/own.yaml", ["/somewhere/own.yaml"]],
    ["anywhere, named to serve", "/somewhere/own.yml", ["serve", "/somewhere/own.yml"]],
    ["anywhere, named to the program", "/somewhere/own.yml", ["registry", "serve", "/somewhere/own.yml"]],
  ])(
    "takes a configuration %s",
    async (how, path, command) => {
      const file = join(folder, "config.yml");
      await writeFile(file, configuration("/var/lib/registry", "mounted"));
      await chmod(file, 0o644);
      const ours = await start([`--volume=${file}:${path}:ro`], command);
      expect([how, await configuredBy(ours.host)]).toEqual([how, "mounted"]);
      expect(await ours.stop()).toBe(0);
    },
    SLOW,
  );

  it(
    "is overridden by REGISTRY_ variables",
    async () => {
      const root = join(folder, "elsewhere");
      await mkdir(root);
      const ours = await start([
        `--volume=${root}:/elsewhere`,
        "--env=REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/elsewhere",
        "--env=REGISTRY_STORAGE_DELETE_ENABLED=true",
        "--env=REGISTRY_HTTP_HEADERS={X-Config: [from the environment]}",
      ]);
      expect(await configuredBy(ours.host)).toBe("from the environment");
      const image = makeImage("oci");
      await ours.held.push("library/app", "1", image);
      await ours.held.deleteManifest("library/app", image.manifest.digest);
      expect(await readdir(root)).toEqual(["docker"]);
      expect(await ours.stop()).toBe(0);
    },
    SLOW,
  );

  it(
    "refuses a configuration that it can't read, and says which",
    async () => {
      const refused = await engine.attempt(["run", "--rm", "--network=none", IMAGE, "/no/such.yml"]);
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toContain("/no/such.yml");
    },
    SLOW,
  );

  it(
    "is started by docker-compose.yml and keeps its images when it is made anew",
    async () => {
      const host = `127.0.0.1:${await freePort()}`;
      const override = join(folder, "override.yml");
      // This engine has no bridge: the host's network stands in for the published port.
      const registry = { network_mode: "host", environment: { REGISTRY_HTTP_ADDR: host } };
      await writeFile(override, `${stringify({ services: { registry } })}    ports: !reset []\n`);
      const file = join(PROJECT, "docker-compose.yml");
      const args = ["--project-name=longshore-test", `--file=${file}`];
      const compose = (...command: string[]) =>
        run("docker-compose", [...args, `--file=${override}`, ...command], { env: engine.env });
      const published = await attempt("docker-compose", [...args, "config", "--format=json"], { env: engine.env });
      expect(pick(parseJson(published.stdout), "services", "registry", "ports", 0)).toMatchObject({
        target: 5000,
        published: "5000",
      });

      const image = makeImage("oci");
      const answers = () => within("an answer", async () => (await fetch(`http://${host}/v2/`)).status === 200);
      await compose("up", "--detach", "--no-build");
      await answers();
      await inspect(host).push("library/composed", "1", image);
      await compose("down");
      await compose("up", "--detach", "--no-build");
      await answers();
      expect(await inspect(host).resolve("library/composed", "1")).toBe(image.manifest.digest);
      await compose("down", "--volumes");
    },
    SLOW,
  );
});
