import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describePeers } from "@longshore/testkit/peers";
import { run, startDaemon, attempt } from "@longshore/testkit/processes";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { digestOf } from "@longshore/testkit/fixtures";
import { startDockerEngine, type DockerEngine } from "../clients/docker-engine.js";
import { makeImage, type Image } from "../clients/images.js";
import { inspect } from "../clients/inspect.js";
import { SLOW, useResources } from "../clients/site.js";
import { startDistribution, USER } from "./upstreams.js";

/** How an upstream knows its users. */
const UPSTREAMS = ["htpasswd", "token"] as const;
type UpstreamAuth = (typeof UPSTREAMS)[number];

const CLIENTS = ["docker", "containerd", "podman", "skopeo", "crane"] as const;
type Client = (typeof CLIENTS)[number];

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";
const PULLER = { username: "bob", password: "secret" };
const SERVICE = "upstream.example";

const ISSUER = {
  access: [{ match: { account: PULLER.username }, actions: ["pull"] }],
  tokenserver: {
    service: "issuer.example",
    services: [SERVICE],
    keys: { x5c: true },
    local: { users: { [PULLER.username]: { password: HASH } } },
  },
};

const PROGRAM = new URL("../../../packages/registry/bin/registry.js", import.meta.url).pathname;

interface MirrorsSite {
  readonly folder: string;
  /** `proxy.remoteurl`: one mirror for each upstream. */
  readonly single: Readonly<Record<UpstreamAuth, RunningRegistry>>;
  /** `proxy.upstreams`: both upstreams, below `htpasswd.test` and `token.test`. */
  readonly many: RunningRegistry;
  readonly engines: Readonly<Record<UpstreamAuth, DockerEngine>>;
  /** Runs `ctr` against a containerd of the test's own. */
  readonly ctr: (...args: string[]) => ReturnType<typeof run>;
}

const IMAGES: Readonly<Record<Client, Image>> = {
  docker: makeImage("docker", { bulk: 1_000_000 }),
  containerd: makeImage("oci", { bulk: 1_000_000 }),
  podman: makeImage("oci", { bulk: 1_000_000 }),
  skopeo: makeImage("oci", { bulk: 1_000_000 }),
  crane: makeImage("docker", { bulk: 1_000_000 }),
};

describePeers("clients of a mirror", ["docker-registry", "htpasswd", ...CLIENTS], () => {
  const own = useResources();
  let opened: MirrorsSite | undefined;
  const site = (): MirrorsSite => {
    if (opened === undefined) throw new Error("the mirrors have not started");
    return opened;
  };

  beforeAll(async () => {
    const folder = own(await makeTemporaryFolder("mirrors")).path;
    const root = `${folder}/data`;
    {
      await using filling = await startDistribution({ root });
      for (const client of CLIENTS) await inspect(filling.host).push(`team/${client}`, "1", IMAGES[client]);
    }
    const issuer = own(await startRegistry({ config: ISSUER }));
    const token = {
      realm: `${issuer.url}/auth/token`,
      service: SERVICE,
      issuer: ISSUER.tokenserver.service,
      rootcertbundle: await certificatesOf(issuer, folder),
    };
    const upstreams = {
      htpasswd: own(await startDistribution({ root, htpasswd: true })),
      token: own(await startDistribution({ root, token })),
    };
    const reached = {
      htpasswd: { remoteurl: upstreams.htpasswd.url, ...USER },
      // The token service is on another port of the same host: within the upstream's boundary.
      token: { remoteurl: upstreams.token.url, ...PULLER },
    };
    const single = {
      htpasswd: own(await startRegistry({ config: { proxy: reached.htpasswd } })),
      token: own(await startRegistry({ config: { proxy: reached.token } })),
    };
    const prefixed = UPSTREAMS.map((name) => ({ prefix: `${name}.test`, ...reached[name] }));
    const many = own(await startRegistry({ config: { proxy: { upstreams: prefixed } } }));
    const engines = {
      htpasswd: own(await startDockerEngine({ mirrors: [single.htpasswd.url] })),
      token: own(await startDockerEngine({ mirrors: [single.token.url] })),
    };
    const configuration = `${folder}/containerd.toml`;
    await writeFile(configuration, `version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n`);
    const address = `--address=${folder}/sock`;
    const daemon = await startDaemon(
      "containerd",
      [`--config=${configuration}`, `--root=${folder}/root`, `--state=${folder}/state`, address],
      { ready: async () => (await attempt("ctr", [address, "version"])).code === 0 },
    );
    own({ [Symbol.asyncDispose]: async () => void (await daemon.stop()) });
    const ctr = (...args: string[]) => run("ctr", [address, "--namespace=test", ...args]);
    opened = { folder, single, many, engines, ctr };
  }, SLOW);

  describe.each(UPSTREAMS)("of an upstream with %s", (auth) => {
    describe.each(["remoteurl", "upstreams"] as const)("by proxy.%s", (way) => {
      const mirror = () => (way === "remoteurl" ? site().single[auth] : site().many);
      const host = () => new URL(mirror().url).host;
      /** An image's name on the mirror itself. */
      const direct = (client: Client) => `${host()}/${way === "remoteurl" ? "" : `${auth}.test/`}team/${client}:1`;
      /** Its name at an origin that doesn't exist: only a mirror can have it. */
      const origin = (client: Client) => `${auth}.test/team/${client}:1`;
      const folderOf = async (client: Client) => {
        const folder = join(site().folder, `${client}-${auth}-${way}`);
        await mkdir(folder, { recursive: true });
        return folder;
      };
      /** `registries.conf`, as podman, CRI-O, buildah and skopeo read it. */
      const registriesConf = async (client: Client) => {
        const path = join(await folderOf(client), "registries.conf");
        const location = `${host()}${way === "remoteurl" ? "" : `/${auth}.test`}`;
        await writeFile(
          path,
          `[[registry]]\nprefix = "${auth}.test"\nlocation = "${auth}.test"\n\n` +
            `[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n`,
        );
        return path;
      };

      it(
        `the Docker engine pulls ${way === "remoteurl" ? "by registry-mirrors" : "by the name in full"}`,
        async () => {
          const engine = site().engines[auth];
          const name = way === "remoteurl" ? "team/docker:1" : direct("docker");
          const pulled = await engine.docker(["pull", name]);
          expect(pulled.stdout).toContain(IMAGES.docker.manifest.digest);
          const { stdout } = await engine.docker(["image", "inspect", "--format={{.Id}}", name]);
          expect(stdout.trim()).toBe(IMAGES.docker.config.digest);
          await engine.docker(["rmi", name]);
        },
        SLOW,
      );

      it(
        "containerd pulls by hosts.toml, which sends ns=",
        async () => {
          const folder = await folderOf("containerd");
          const hosts = join(folder, `${auth}.test`);
          await mkdir(hosts);
          await writeFile(
            join(hosts, "hosts.toml"),
            `server = "${mirror().url}"\n\n[host."${mirror().url}"]\n  capabilities = ["pull", "resolve"]\n`,
          );
          const name = origin("containerd");
          await site().ctr("images", "pull", `--hosts-dir=${folder}`, "--snapshotter=native", name);
          const { stdout } = await site().ctr("images", "ls", `name==${name}`);
          expect(stdout).toContain(IMAGES.containerd.manifest.digest);
          expect(mirror().logs()).toContain(`ns=${auth}.test`);
          await site().ctr("images", "rm", "--sync", name);
          const content = (await site().ctr("content", "ls", "--quiet")).stdout;
          expect(content).not.toContain(IMAGES.containerd.config.digest);
        },
        SLOW,
      );

      it(
        "podman pulls by the mirrors of registries.conf",
        async () => {
          // Its own limit: a runroot has at most 50 characters.
          const folder = join(site().folder, `${auth[0] ?? ""}${way[0] ?? ""}`);
          const env = { CONTAINERS_REGISTRIES_CONF: await registriesConf("podman") };
          const storage = [
            ...[`--root=${folder}/storage`, `--runroot=${folder}/run`, `--tmpdir=${folder}/tmp`],
            ...["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"],
          ];
          const podman = (...args: string[]) => run("podman", [...storage, ...args], { env });
          await podman("pull", origin("podman"));
          const { stdout } = await podman("image", "inspect", "--format={{.Id}}", origin("podman"));
          expect(`sha256:${stdout.trim()}`).toBe(IMAGES.podman.config.digest);
        },
        SLOW,
      );

      it(
        "skopeo copies, by the mirrors of registries.conf and by the mirror's own name",
        async () => {
          const folder = await folderOf("skopeo");
          const configuration = `--registries-conf=${await registriesConf("skopeo")}`;
          for (const name of [origin("skopeo"), direct("skopeo")]) {
            const target = join(folder, "copied");
            const flags = ["--insecure-policy", configuration, "copy", "--src-tls-verify=false"];
            await run("skopeo", [...flags, `docker://${name}`, `dir:${target}`]);
            expect(digestOf(await readFile(join(target, "manifest.json")))).toBe(IMAGES.skopeo.manifest.digest);
            for (const { digest } of [IMAGES.skopeo.config, ...IMAGES.skopeo.layers]) {
              expect(digestOf(await readFile(join(target, digest.slice("sha256:".length))))).toBe(digest);
            }
          }
        },
        SLOW,
      );

      it(
        "crane pulls and finds nothing missing",
        async () => {
          const archive = join(await folderOf("crane"), "image.tar");
          expect((await run("crane", ["digest", direct("crane")])).stdout.trim()).toBe(IMAGES.crane.manifest.digest);
          await run("crane", ["validate", "--remote", direct("crane")]);
          await run("crane", ["pull", direct("crane"), archive]);
          await run("crane", ["validate", "--tarball", archive]);
        },
        SLOW,
      );
    });
  });
});

/** Writes the certificates of a token server's keys to a file; its path. */
async function certificatesOf(issuer: RunningRegistry, folder: string): Promise<string> {
  const configuration = `${folder}/issuer.yml`;
  const storage = { filesystem: { rootdirectory: issuer.root } };
  await writeFile(configuration, stringify({ version: 0.1, storage, ...ISSUER }));
  const { stdout } = await run(process.execPath, [PROGRAM, "keys", "list", configuration, "--certificates"]);
  const path = `${folder}/bundle.pem`;
  await writeFile(path, stdout);
  return path;
}
