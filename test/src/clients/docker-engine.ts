import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Result, run, type RunOptions } from "@longshore/testkit/processes";
import { INSTALLED, NEWER, type Programs } from "@longshore/testkit/programs";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";

/** A Docker engine of the test's own: its own data, its own socket, no bridge and no firewall rules. */
export interface DockerEngine extends AsyncDisposable {
  /** `docker <args>` against this engine; throws unless it succeeds. */
  docker(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** The same, for a command whose failure the test looks at. */
  attempt(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** What a program needs in its environment to reach this engine. */
  readonly env: Readonly<Record<string, string>>;
  /** It keeps images in containerd's store as they came, and builds with BuildKit: the newer engine. */
  readonly keepsManifests: boolean;
}

/**
 * Starts an engine. Containers run on the host's network, since it has no bridge. The storage driver is the engine's own
 * choice: overlay2 where the machine allows it, else vfs, which copies the whole image for each container. The newer engine keeps
 * images in containerd's store.
 */
export async function startDockerEngine({
  mirrors = [],
  programs = INSTALLED,
}: {
  /** URLs of mirrors of Docker Hub. */
  readonly mirrors?: readonly string[];
  readonly programs?: Programs;
} = {}): Promise<DockerEngine> {
  const { attempt: attemptProgram, run: runProgram } = programs;
  const keepsManifests = programs === NEWER;
  const folder = await makeTemporaryFolder("docker");
  const at = (name: string) => join(folder.path, name);
  await mkdir(at("client"));
  await writeFile(at("engine.json"), JSON.stringify({ features: { "containerd-snapshotter": keepsManifests } }));
  const env = {
    DOCKER_HOST: `unix://${at("engine.sock")}`,
    DOCKER_CONFIG: at("client"),
    ...(keepsManifests ? {} : { DOCKER_BUILDKIT: "0" }),
  };
  const daemon = await programs.startDaemon(
    "dockerd",
    [
      `--config-file=${at("engine.json")}`,
      "--iptables=false",
      "--ip-forward=false",
      "--ip-masq=false",
      "--bridge=none",
      `--data-root=${at("root")}`,
      `--exec-root=${at("exec")}`,
      `--pidfile=${at("engine.pid")}`,
      `--host=${env.DOCKER_HOST}`,
      ...mirrors.map((url) => `--registry-mirror=${url}`),
    ],
    { ready: async () => (await attemptProgram("docker", ["version"], { env })).code === 0 },
  );
  return {
    env,
    keepsManifests,
    docker: (args, options) => runProgram("docker", args, { ...options, env: { ...env, ...options?.env } }),
    attempt: (args, options) => attemptProgram("docker", args, { ...options, env: { ...env, ...options?.env } }),
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      for (const mount of await mountsBelow(folder.path)) {
        await run("umount", [mount]);
      }
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The engine leaves the mount of the host's network namespace, which no folder can be removed around. */
async function mountsBelow(path: string): Promise<readonly string[]> {
  const table = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return table.map((line) => line.split(" ")[1] ?? "").filter((mount) => mount.startsWith(`${path}/`));
}
